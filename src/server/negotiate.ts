/** What a subscribe request asks for: channels, where to begin, the transport and its settings. Pure. */

import type { IncomingHttpHeaders } from "node:http";
import Negotiator from "negotiator";
import { type ChannelName, parseChannelNames } from "../core/channel-name.ts";
import { type From, parseFrom } from "../core/cursor.ts";
import { TailwireError } from "../core/errors.ts";
import type { ReadLimit } from "../core/store.ts";
import { CATCH_UP_LIMIT } from "../core/subscription.ts";
import { type Legacy, readCallback, readOrigin, requireLegacy } from "./legacy.ts";
import { readCount, readSeconds, unfit } from "./parameters.ts";

/**
 * The transports, by the names that `transport=` and `$open` give them, and which of the parameters that not all of them
 * have fit them.
 */
const TRANSPORTS = {
  websocket: ["probe"],
  sse: ["probe"],
  stream: ["probe"],
  "long-poll": ["wait", "limit"],
  poll: ["wait", "limit"],
  jsonp: ["wait", "limit", "callback"],
  iframe: ["probe", "origin"],
  "iframe-poll": ["wait", "limit", "origin"],
} as const satisfies Record<string, readonly Fitting[]>;
export type TransportName = keyof typeof TRANSPORTS;

type Fitting = keyof typeof WHY_NOT;

/** Why each of them does not fit the other transports. */
const WHY_NOT = {
  wait: "has no end to wait for",
  limit: "has no end to count to",
  probe: "ends, which proves as much",
  callback: "calls nothing",
  origin: "needs none",
} as const;

/** A subscribe request, understood. */
export interface Plan {
  readonly names: readonly ChannelName[];
  readonly from: ReadonlyMap<ChannelName, From>;
  readonly transport: TransportName;
  /** Whether the answer has no end of its own. */
  readonly endless: boolean;
  readonly format: "raw" | "envelope";
  /** How long a long poll waits, in milliseconds. */
  readonly waitMs: number;
  /** The most events in one body. */
  readonly limit: number;
  /** How much of each channel is read at once to begin with. */
  readonly firstRead: ReadLimit;
  /** Whether the client sent its cursor in If-None-Match, so that 304 is an answer. */
  readonly conditional: boolean;
  /** How long after its `$open` an endless answer says a heartbeat, in milliseconds; undefined: when one is due. */
  readonly probeMs: number | undefined;
  /** Of `jsonp`: the function to call; elsewhere empty. */
  readonly callback: string;
  /** Of frames: the origin to post to, which may have them; elsewhere empty. */
  readonly origin: string;
}

/** What of a request the plan hangs on. */
export interface SubscribeRequest {
  /** The names as they stand in the path, decoded. */
  readonly names: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Whether it came over TLS, as far as this server knows. */
  readonly secure: boolean;
  /** Whether the request asks for a WebSocket, and whether with the subprotocol `tailwire.v1`. */
  readonly websocket: "no" | "raw" | "tailwire.v1";
}

const DEFAULT_WAIT_S = 25;
const MAX_WAIT_S = 60;
const MAX_PROBE_S = 10;
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
 * @param legacy what the handler allows of scripts and frames
 * @throws {TailwireError} `invalid_channel`, `invalid_parameter`, `not_acceptable`, `transport_disabled`,
 * `origin_not_allowed`
 */
export function planSubscribe(request: SubscribeRequest, legacy: Legacy): Plan {
  const { query, headers, secure } = request;
  const names = parseChannelNames(request.names.split(","));
  const wait = readSeconds(query, "wait", MAX_WAIT_S);
  const transport = chooseTransport(request, wait);
  const fits = TRANSPORTS[transport] as readonly Fitting[];
  const byScript = fits.includes("callback") || fits.includes("origin");
  if (byScript) requireLegacy(legacy, transport);
  refuseUnfit(query, transport, fits, wait);
  const polls = fits.includes("limit");
  const limit = readCount(query, "limit", MAX_LIMIT) ?? DEFAULT_LIMIT;
  const probe = readSeconds(query, "probe", MAX_PROBE_S);
  // A script has no way to send a header, or to see a 304.
  const tagged = polls && !byScript;
  return {
    names,
    from: parseStart(request, names, tagged),
    transport,
    endless: !polls,
    format: chooseFormat(request, names.length, transport),
    waitMs: polls && transport !== "poll" ? (wait ?? DEFAULT_WAIT_S) * 1000 : 0,
    limit,
    firstRead: polls ? { maxEvents: limit, maxBytes: MAX_BODY_BYTES } : CATCH_UP_LIMIT,
    conditional: tagged && entityTag(headers) !== undefined,
    probeMs: probe === undefined ? undefined : probe * 1000,
    callback: fits.includes("callback") ? readCallback(query) : "",
    origin: fits.includes("origin") ? readOrigin(query, { host: headers.host, secure }, legacy) : "",
  };
}

function refuseUnfit(
  query: URLSearchParams,
  transport: TransportName,
  fits: readonly Fitting[],
  wait: number | undefined,
): void {
  for (const [parameter, why] of Object.entries(WHY_NOT)) {
    if (query.has(parameter) && !fits.includes(parameter as Fitting)) throw unfit(parameter, `${transport} ${why}`);
  }
  if (transport === "poll" && wait !== undefined && wait > 0) throw unfit("wait", "a poll does not wait");
}

function chooseTransport({ query, headers, websocket }: SubscribeRequest, wait: number | undefined): TransportName {
  const named = query.get("transport");
  if (named === null) {
    if (websocket !== "no") return "websocket";
    return query.has("callback") ? "jsonp" : transportByAccept(headers, wait);
  }
  if (!isTransport(named)) throw unfit("transport", `it is one of ${Object.keys(TRANSPORTS).join(", ")}`);
  if (named === "websocket" && websocket === "no") throw unfit("transport", "websocket needs an Upgrade request");
  return named === "long-poll" && wait === 0 ? "poll" : named;
}

function isTransport(name: string): name is TransportName {
  return Object.hasOwn(TRANSPORTS, name);
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
  tagged: boolean,
): ReadonlyMap<ChannelName, From> {
  const lastEventId = headers["last-event-id"];
  if (typeof lastEventId === "string" && lastEventId !== "") return parseFrom(lastEventId, names, "Last-Event-ID");
  const tag = tagged ? entityTag(headers) : undefined;
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
