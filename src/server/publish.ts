/** `POST /channels/{name}`: one event, or an NDJSON stream of them (PROTOCOL.md, "Publishing"). */

import { isUtf8 } from "node:buffer";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { ChannelName } from "../core/channel-name.ts";
import { TailwireError } from "../core/errors.ts";
import { checkIdempotencyKey, checkKey, checkType, type Data, type EventInput } from "../core/event.ts";
import type { Hub } from "../core/hub.ts";
import { formatPosition } from "../core/position.ts";
import type { Appended } from "../core/store.ts";
import { LineReader } from "../wire/ndjson.ts";
import { readBody } from "./body.ts";
import { readWord } from "./parameters.ts";
import { servePublishesOfSocket } from "./publish-socket.ts";
import { respondJson, respondProblem } from "./respond.ts";

/** All of an event but its data. */
export type Form = Omit<EventInput, "data">;

/** A request to publish. */
export interface Publishing {
  readonly hub: Hub;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly channel: ChannelName;
  /** Where nobody else looks at its requests or waits for this response: then its sockets can be taken out of node:http's hands. */
  readonly server: Server | undefined;
}

/**
 * Reads the body and publishes it.
 * @throws {TailwireError} for what is wrong with the request; nothing was published then
 */
export async function servePublish(publishing: Publishing, query: URLSearchParams): Promise<void> {
  const { req } = publishing;
  const key = req.headers["idempotency-key"];
  const form = readForm(query, typeof key === "string" ? checkIdempotencyKey(key, "Idempotency-Key") : undefined);
  const mediaType = readMediaType(req);
  refuseWhenRead(req);
  if (mediaType === "application/x-ndjson") await publishLines(publishing, form);
  else await publishOne(publishing, form, mediaType);
}

async function publishOne(publishing: Publishing, form: Form, mediaType: string): Promise<void> {
  const { hub, req, res, channel, server } = publishing;
  const body = await readBody(req, hub.settings.maxEventBytes);
  if (body === undefined) return; // broken off
  const input = (bytes: Buffer): EventInput => ({ ...form, data: readData(bytes, mediaType) });
  const id = await appendOne(hub, channel, input(body));
  if (server !== undefined) servePublishesOfSocket(req, res, { hub, server, input });
  respondJson(res, 201, { id, channel }, { "Tailwire-Cursor": id });
}

/** Appends one event; gives its id, when the next may be appended. */
export async function appendOne(hub: Hub, channel: ChannelName, input: EventInput): Promise<string> {
  const appended = hub.append(channel, input);
  const { position } = appended instanceof Promise ? await appended : appended;
  await hub.paced(channel);
  return formatPosition(position);
}

function readData(body: Buffer, mediaType: string): Data {
  // A copy: a small body is a view of a larger buffer, which the log would keep.
  if (mediaType === "application/octet-stream") return { kind: "binary", bytes: new Uint8Array(body) };
  if (!isUtf8(body)) throw new TailwireError("invalid_data", "the body is not UTF-8");
  const text = body.toString();
  if (mediaType !== "application/json") return { kind: "text", text };
  checkJson(text, "the body");
  return { kind: "json", text };
}

/** What an NDJSON request has published so far. */
interface Progress {
  count: number;
  first: string | undefined;
  last: string | undefined;
}

async function publishLines({ hub, req, res, channel }: Publishing, form: Form): Promise<void> {
  const lines = new LineReader(hub.settings.maxEventBytes);
  const progress: Progress = { count: 0, first: undefined, last: undefined };
  try {
    // Left by an error, the body is read to its end and dropped, so that the client gets to read the answer.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      await publishAll(hub, channel, form, lines.push(chunk as Buffer), progress);
    }
    if (!req.complete) return; // broken off: the line under way is dropped
    await publishAll(hub, channel, form, lines.end(), progress);
  } catch (error) {
    if (req.errored) return;
    respondProblem(res, error, {}, { line: lines.line, ...idsOf(progress) });
    req.resume();
    return;
  }
  const cursor = progress.last ?? (await hub.head([channel]));
  respondJson(res, 201, { channel, ...idsOf(progress) }, { "Tailwire-Cursor": cursor });
}

/** Appends the lines without waiting for each, so that a store that has to ask is asked for all of them at once. */
async function publishAll(
  hub: Hub,
  channel: ChannelName,
  form: Form,
  lines: Iterable<string>,
  progress: Progress,
): Promise<void> {
  const under: Promise<void>[] = [];
  let index = progress.count;
  try {
    for (const line of lines) {
      const appended = hub.append(channel, lineInput(form, line, index));
      index += 1;
      if (appended instanceof Promise) under.push(appended.then((value) => record(progress, value)));
      else record(progress, appended);
    }
  } finally {
    await Promise.all(under); // so that a line that is refused is told with what was published before it
  }
  await hub.paced(channel);
}

function record(progress: Progress, { position }: Appended): void {
  progress.count += 1;
  progress.last = formatPosition(position);
  progress.first ??= progress.last;
}

function lineInput(form: Form, line: string, index: number): EventInput {
  const { idempotencyKey } = form;
  return {
    ...form,
    data: readLine(line, "the line"),
    // Each event has a key of its own, so that a request sent again goes on where the first one broke off.
    idempotencyKey: idempotencyKey === undefined ? undefined : `${idempotencyKey} ${index}`,
  };
}

/**
 * The data of one JSON text: of a string a text, of all else JSON.
 * @throws {TailwireError} `invalid_data`
 */
export function readLine(line: string, what: string): Data {
  const value = checkJson(line, what);
  return typeof value === "string" ? { kind: "text", text: value } : { kind: "json", text: line };
}

function idsOf({ count, first, last }: Progress): { count: number; first?: string; last?: string } {
  return first === undefined || last === undefined ? { count } : { count, first, last };
}

function checkJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TailwireError("invalid_data", `${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The event's type and key from the query.
 * @throws {TailwireError} `invalid_parameter`
 */
export function readForm(query: URLSearchParams, idempotencyKey: string | undefined): Form {
  const type = readWord(query, "type");
  const key = readWord(query, "key");
  return {
    type: type === null ? "message" : checkType(type),
    key: key === null ? undefined : checkKey(key),
    idempotencyKey,
  };
}

function readMediaType(req: IncomingMessage): string {
  const coding = req.headers["content-encoding"];
  if (coding !== undefined && coding !== "identity") {
    throw new TailwireError("unsupported_media_type", `a body in Content-Encoding ${coding} is not read`);
  }
  const [mediaType = "", ...parameters] = (req.headers["content-type"] ?? "").toLowerCase().split(";");
  const charset = parameters.map((text) => /^\s*charset="?([^"]*)"?\s*$/.exec(text)?.[1]).find((name) => name);
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8" && charset !== "us-ascii") {
    throw new TailwireError("unsupported_media_type", `text is UTF-8 here, not ${charset}`);
  }
  return mediaType.trim();
}

function refuseWhenRead(req: IncomingMessage): void {
  if (!req.readableDidRead) return;
  throw new TailwireError("misuse", "something has read the body already: mount Tailwire before body parsers");
}
