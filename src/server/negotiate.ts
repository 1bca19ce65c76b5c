/** What a subscribe request asks for: channels, where to begin, the transport and its settings. Pure. */

import type { IncomingHttpHeaders } from "node:http";
import Negotiator from "negotiator";
import { type ChannelName, parseChannelNames } from "../core/channel-name.ts";
import { type From, parseFrom } from "../core/cursor.ts";
import { TailwireError } from "../core/errors.ts";
import type { ReadLimit } from "../core/store.ts";
import { CATCH_UP_LIMIT } from "../core/subscription.ts";

/** The transports, by the names that `transport=` and `$open` give them. */
const TRANSPORTS = ["websocket", "sse", "stream", "long-poll", "poll"] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** A subscribe request, understood. */
export interface Plan {
  readonly names: readonly ChannelName[];
  readonly from: ReadonlyMap<ChannelName, From>;
  readonly transport: TransportName;
  readonly format: "raw" | "envelope";
  /** How long a long poll waits, in milliseconds. */
  readonly waitMs: number;
  /** The most events in one body. */
  readonly limit: number;
  /** How much of each channel is read at once to begin with. */
  readonly firstRead: ReadLimit;
  /** Whether the client sent its cursor in If-None-Match, so that 304 is an answer. */
  readonly conditional: boolean;
}

/** What of a request the plan hangs on. */
export interface SubscribeRequest {
  /** The names as they stand in the path, decoded. */
  readonly names: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Whether the request asks for a WebSocket, and whether with the subprotocol `tailwire.v1`. */
  readonly websocket: "no" | "raw" | "tailwire.v1";
}

const DEFAULT_WAIT_S = 25;
const MAX_WAIT_S = 60;
const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

/** How much one body holds at most; at least one event comes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Design 4.2, in order of preference where the client likes several equally. */
const BY_MEDIA_TYPE: Readonly<Record<string, TransportName>> = {
  "application/x-ndjson": "stream",
  "text/event-stream": "sse",
  "application/json": "long-poll",
};

/**
 * Reads a subscribe request.
 * @throws {TailwireError} `invalid_channel`, `invalid_parameter`, `not_acceptable`
 */
export function planSubscribe(request: SubscribeRequest): Plan {
  const { query, headers } = request;
  const names = parseChannelNames(request.names.split(","));
  const wait = parseWait(query.get("wait"));
  const transport = chooseTransport(request, wait);
  const polls = transport === "long-poll" || transport === "poll";
  if (!polls && wait !== undefined) throw unfit("wait", `${transport} has no end to wait for`);
  if (!polls && query.has("limit")) throw unfit("limit", `${transport} has no end to count to`);
  if (transport === "poll" && wait !== undefined && wait > 0) throw unfit("wait", "a poll does not wait");
  const limit = parseLimit(query.get("limit"));
  return {
    names,
    from: parseStart(request, names, polls),
    transport,
    format: chooseFormat(request, names.length, transport),
    waitMs: transport === "long-poll" ? (wait ?? DEFAULT_WAIT_S) * 1000 : 0,
    limit,
    firstRead: polls ? { maxEvents: limit, maxBytes: MAX_BODY_BYTES } : CATCH_UP_LIMIT,
    conditional: polls && entityTag(headers) !== undefined,
  };
}

function chooseTransport({ query, headers, websocket }: SubscribeRequest, wait: number | undefined): TransportName {
  const named = query.get("transport");
  if (named === null) return websocket === "no" ? transportByAccept(headers, wait) : "websocket";
  const transport = TRANSPORTS.find((name) => name === named);
  if (transport === undefined) throw unfit("transport", `it is one of ${TRANSPORTS.join(", ")}`);
  if (transport === "websocket" && websocket === "no") throw unfit("transport", "websocket needs an Upgrade request");
  return transport === "long-poll" && wait === 0 ? "poll" : transport;
}

function transportByAccept(headers: IncomingHttpHeaders, wait: number | undefined): TransportName {
  if (wait === 0) return "poll";
  const offered = wait === undefined ? Object.keys(BY_MEDIA_TYPE) : ["application/json"];
  const mediaType = new Negotiator({ headers }).mediaTypes(offered)[0];
  const transport = mediaType === undefined ? undefined : BY_MEDIA_TYPE[mediaType];
  if (transport !== undefined) return transport;
  if (wait !== undefined) throw unfit("wait", "it asks for a long poll, whose application/json is not accepted");
  throw new TailwireError("not_acceptable", `a subscription is one of ${offered.join(", ")}, or a WebSocket`);
}

function chooseFormat(
  { query, websocket }: SubscribeRequest,
  channels: number,
  transport: TransportName,
): "raw" | "envelope" {
  const named = query.get("format");
  if (named !== null && named !== "raw" && named !== "envelope") throw unfit("format", "it is raw or envelope");
  const canBeRaw = transport === "sse" || (transport === "websocket" && websocket === "raw");
  if (named !== "raw") return named === null && canBeRaw && channels === 1 ? "raw" : "envelope";
  if (!canBeRaw) throw unfit("format", "only sse and a WebSocket without a subprotocol can be raw");
  if (channels > 1) throw unfit("format", "raw cannot tell several channels apart");
  return "raw";
}

/** A header that a client repeats by itself wins over `from`, which stays in its URL as it first was. */
function parseStart(
  { query, headers }: SubscribeRequest,
  names: readonly ChannelName[],
  polls: boolean,
): ReadonlyMap<ChannelName, From> {
  const lastEventId = headers["last-event-id"];
  if (typeof lastEventId === "string" && lastEventId !== "") return parseFrom(lastEventId, names, "Last-Event-ID");
  const tag = polls ? entityTag(headers) : undefined;
  if (tag !== undefined) return parseFrom(tag, names, "If-None-Match");
  return parseFrom(query.get("from") ?? "now", names);
}

/** RFC 9110, 8.8.3: the opaque tag of one entity-tag, strong or weak. */
function entityTag(headers: IncomingHttpHeaders): string | undefined {
  const field = headers["if-none-match"];
  if (field === undefined) return undefined;
  const tag = /^(?:W\/)?"([^"]*)"$/.exec(field)?.[1];
  if (tag === undefined) throw unfit("If-None-Match", "it is one entity-tag, from an earlier answer");
  return tag;
}

function parseWait(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= MAX_WAIT_S) return seconds;
  throw unfit("wait", `it is a number of seconds from 0 to ${MAX_WAIT_S}`);
}

function parseLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.NaN;
  if (limit <= MAX_LIMIT) return limit;
  throw unfit("limit", `it is a number of events from 1 to ${MAX_LIMIT}`);
}

function unfit(parameter: string, why: string): TailwireError {
  return new TailwireError("invalid_parameter", `${parameter}: ${why}`, { parameter });
}
