/**
 * The protocol's messages as JSON (PROTOCOL.md, "Messages"): one text each, without a line break, so that the
 * same text serves NDJSON, SSE in envelope form, WebSocket and the bodies of polls.
 */

import type { ErrorCode } from "../core/errors.ts";
import { type ChannelEvent, type Item, isGap, type ReceivedGap, receivedGap } from "../core/event.ts";
import { formatPosition } from "../core/position.ts";

/** An event on the wire. */
export interface EventMessage {
  /** Its position, `epoch:offset`. */
  readonly id: string;
  readonly channel: string;
  readonly type: string;
  readonly key?: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly data: unknown;
  /** Set where `data` is binary, in base64. */
  readonly encoding?: "base64";
}

/** The first message on every endless transport. */
export interface OpenMessage {
  readonly type: "$open";
  readonly cursor: string;
  /** The longest silence that the client has to expect, in milliseconds. */
  readonly heartbeatMs: number;
  readonly transport: string;
  readonly time: number;
}

/** Proof of liveness, after a silence. */
export interface HeartbeatMessage {
  readonly type: "$heartbeat";
  readonly time: number;
}

/** A loss. */
export type GapMessage = ReceivedGap;

/** The server is about to end the connection. */
export interface CloseMessage {
  readonly type: "$close";
  readonly code: number;
  readonly reason: string;
  /** When to come back, in milliseconds; null: not at all. */
  readonly reconnectMs: number | null;
}

export type SystemMessage = OpenMessage | HeartbeatMessage | GapMessage | CloseMessage;
export type Message = EventMessage | SystemMessage;

/** What a WebSocket client names a request by, and finds again in the answer. */
export type Ref = string | number;

/** A request over WebSocket is done. */
export interface AckMessage {
  readonly type: "$ack";
  readonly ref: Ref;
  /** Of a publish: the event's id. */
  readonly id?: string;
  /** Of a subscribe or unsubscribe: where the client stands. */
  readonly cursor?: string;
}

/** A request over WebSocket cannot be done. */
export interface ErrorMessage {
  readonly type: "$error";
  /** Missing where the request had none that could be read. */
  readonly ref?: Ref;
  readonly code: ErrorCode;
  readonly detail: string;
}

/** An event or a gap as one line of JSON. The data of a JSON event is put in as it was published. */
export function encodeItem(item: Item): string {
  return isGap(item) ? JSON.stringify(receivedGap(item)) : encodeEvent(item);
}

function encodeEvent(event: ChannelEvent): string {
  const key = event.key === undefined ? "" : `,"key":${JSON.stringify(event.key)}`;
  // A position and a channel name need no escaping: their grammar has no character that JSON escapes.
  return `{"id":"${formatPosition(event.position)}","channel":"${event.channel}","type":${JSON.stringify(event.type)}${key},"time":${event.time},${encodeData(event)}}`;
}

function encodeData({ data }: ChannelEvent): string {
  if (data.kind === "text") return `"data":${JSON.stringify(data.text)}`;
  if (data.kind === "binary") return `"data":"${toBase64(data.bytes)}","encoding":"base64"`;
  return `"data":${onOneLine(data.text)}`;
}

const BREAKS = /[\r\n]/g;

/** RFC 8259, 7: inside a JSON string a line break is always escaped, so a raw one is only white space. */
function onOneLine(json: string): string {
  return json.includes("\n") || json.includes("\r") ? json.replace(BREAKS, " ") : json;
}

/** Bytes as base64 (RFC 4648, 4), with padding. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // String.fromCharCode takes its bytes as arguments, of which there may be only so many. Spreading a Uint8Array
  // would go through its iterator, which takes six times as long.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[]);
  }
  return btoa(binary);
}

/** Base64 as bytes; undefined where the text is not base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** The fields of each type of message, with what `typeof` may give for them; "null" for null. */
const EVENT =
  "id:string channel:string key:string|undefined time:number encoding:string|undefined data:string|number|boolean|object|null";
const SYSTEM: Readonly<Record<string, string>> = {
  $open: "cursor:string heartbeatMs:number transport:string time:number",
  $heartbeat: "time:number",
  $gap: "channel:string after:string next:string lost:number|null reason:string",
  $close: "code:number reason:string reconnectMs:number|null",
  $ack: "ref:string|number id:string|undefined cursor:string|undefined",
  $error: "ref:string|number|undefined code:string detail:string",
};

/**
 * Reads one message from a server. The fields of its type are there and of the right kind; what their text says,
 * such as whether an id is a position, is for the caller to check. Unknown fields are left in place.
 * @returns undefined where the text is no message, or of a system type that this version does not know
 */
export function parseMessage(json: string): Message | AckMessage | ErrorMessage | undefined {
  const value = parseJson(json);
  return checkMessage(value) ? value : undefined;
}

/** Whether a value is a message, as {@link parseMessage} has it. */
export function checkMessage(value: unknown): value is Message | AckMessage | ErrorMessage {
  // A JSON value that is no object has no type.
  const fields = value as Record<string, unknown> | null | undefined;
  const type = fields?.type;
  if (!fields || typeof type !== "string") return false;
  const shape = type.startsWith("$") ? SYSTEM[type] : EVENT;
  return shape?.split(" ").every((field) => hasField(fields, field)) ?? false;
}

function hasField(fields: Record<string, unknown>, field: string): boolean {
  const [name = "", kinds = ""] = field.split(":");
  const value = fields[name];
  return kinds.split("|").includes(value === null ? "null" : typeof value);
}

/** Whether a message's type is an event's, or one of the system's that this version knows. */
export function isKnownType(type: string): boolean {
  return !type.startsWith("$") || type in SYSTEM;
}

/** JSON as a value; undefined where it is none. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
