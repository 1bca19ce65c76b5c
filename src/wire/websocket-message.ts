/**
 * The messages of the WebSocket subprotocol `tailwire.v1` (PROTOCOL.md, "WebSocket messages") that the other
 * transports do not have: what a client asks for, and the answers to its `ref`.
 */

import { type ChannelName, parseChannelName } from "../core/channel-name.ts";
import { type From, parseFrom } from "../core/cursor.ts";
import { type ErrorCode, TailwireError } from "../core/errors.ts";
import { checkIdempotencyKey, checkKey, checkType, type Data, type EventInput } from "../core/event.ts";
import { memberSource } from "./json-member.ts";
import { type AckMessage, type ErrorMessage, fromBase64, type Ref } from "./message.ts";
import { isBlank } from "./ndjson.ts";

/** Send me this channel, too. */
export interface SubscribeMessage {
  readonly op: "subscribe";
  readonly ref: Ref | undefined;
  readonly channel: ChannelName;
  /** `now` where the client named none. */
  readonly from: From;
}

/** Send me this channel no more. */
export interface UnsubscribeMessage {
  readonly op: "unsubscribe";
  readonly ref: Ref | undefined;
  readonly channel: ChannelName;
}

/** Append this event. */
export interface PublishMessage {
  readonly op: "publish";
  readonly ref: Ref | undefined;
  readonly channel: ChannelName;
  readonly input: EventInput;
}

export type ClientMessage = SubscribeMessage | UnsubscribeMessage | PublishMessage;

/** A message, or why it is none; with its `ref` where that could be read. */
export type ClientResult =
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly ref: Ref | undefined; readonly error: TailwireError };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a frame: one or more JSON messages separated by newlines. A bad one does not harm its neighbours.
 * Errors are `invalid_message`, and `invalid_channel`, `invalid_parameter` or `invalid_data` where a field
 * holds what HTTP would refuse with the same code.
 */
export function parseClientMessages(frame: string): ClientResult[] {
  return frame
    .split("\n")
    .filter((line) => !isBlank(line))
    .map(parseClientMessage);
}

function parseClientMessage(json: string): ClientResult {
  let ref: Ref | undefined;
  try {
    const fields = parseFields(json);
    ref = readRef(fields);
    return { ok: true, message: readMessage(fields, ref, json) };
  } catch (error) {
    if (error instanceof TailwireError) return { ok: false, ref, error };
    throw error;
  }
}

function parseFields(json: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new TailwireError("invalid_message", "a message is JSON, one on each line", { cause });
  }
  if (typeof value === "object" && value !== null) return value as Fields;
  throw invalid("a message is a JSON object");
}

function readRef({ ref }: Fields): Ref | undefined {
  // Others would not come back as they were sent.
  if (ref === undefined || typeof ref === "string" || isExact(ref)) return ref as Ref | undefined;
  throw invalid("ref is a string, or a number that JavaScript can hold");
}

function isExact(ref: unknown): boolean {
  return Number.isInteger(ref) ? Number.isSafeInteger(ref) : Number.isFinite(ref);
}

function readMessage(fields: Fields, ref: Ref | undefined, json: string): ClientMessage {
  const op = fields.op;
  if (op !== "subscribe" && op !== "unsubscribe" && op !== "publish") {
    throw invalid("op is one of subscribe, unsubscribe and publish");
  }
  const channel = parseChannelName(readString(fields, "channel") ?? missing("channel"));
  if (op === "subscribe") return { op, ref, channel, from: readFrom(fields, channel) };
  return op === "publish" ? { op, ref, channel, input: readInput(fields, json) } : { op, ref, channel };
}

function readFrom(fields: Fields, channel: ChannelName): From {
  const from = readString(fields, "from") ?? "now";
  return parseFrom(from, [channel]).get(channel) as From;
}

function readInput(fields: Fields, json: string): EventInput {
  const key = readString(fields, "key");
  const idempotencyKey = readString(fields, "idempotencyKey");
  return {
    type: checkType(readString(fields, "type") ?? "message"),
    key: key === undefined ? undefined : checkKey(key),
    idempotencyKey: idempotencyKey === undefined ? undefined : checkIdempotencyKey(idempotencyKey),
    data: readData(fields, json),
  };
}

function readData({ data, encoding }: Fields, json: string): Data {
  if (data === undefined) missing("data");
  if (encoding !== undefined) return readBinary(data, encoding);
  if (typeof data === "string") return { kind: "text", text: data };
  return { kind: "json", text: memberSource(json, "data") as string };
}

function readBinary(data: unknown, encoding: unknown): Data {
  if (encoding !== "base64" || typeof data !== "string")
    throw invalid('encoding is "base64", of data that is a string');
  const bytes = fromBase64(data);
  if (bytes === undefined) throw new TailwireError("invalid_data", "data is not base64");
  return { kind: "binary", bytes };
}

function readString(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === "string") return value;
  throw invalid(`${name} is a string`);
}

function missing(name: string): never {
  throw invalid(`${name} is missing`);
}

function invalid(detail: string): TailwireError {
  return new TailwireError("invalid_message", detail);
}

/** That it is done, as one line of JSON: with the event's id for a publish, with a cursor for the others. */
export function encodeAck(answer: Pick<AckMessage, "ref" | "id" | "cursor">): string {
  return JSON.stringify({ type: "$ack", ...answer } satisfies AckMessage);
}

/** That it cannot be done, and why, as one line of JSON. */
export function encodeError(error: { ref?: Ref | undefined; code: ErrorCode; detail: string }): string {
  const { ref, code, detail } = error;
  return JSON.stringify({ type: "$error", ...(ref === undefined ? {} : { ref }), code, detail } satisfies ErrorMessage);
}
