/** One entry of a log, and what may stand in its place when it is gone. */

import type { ChannelName } from "./channel-name.ts";
import { TailwireError } from "./errors.ts";
import { formatPosition, type Position } from "./position.ts";

/** The application's payload, as it was published. JSON is kept as text, so that nothing is lost by reading it. */
export type Data =
  | { readonly kind: "json"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary"; readonly bytes: Uint8Array };

/** What a publisher hands over. */
export interface EventInput {
  readonly data: Data;
  /** `message` where the publisher named none. */
  readonly type: string;
  readonly key: string | undefined;
  /** Makes a retry safe: the same key on the same channel is one event. */
  readonly idempotencyKey: string | undefined;
}

/** An event as it stands in the log. Named so beside the DOM's own Event. */
export interface ChannelEvent {
  readonly channel: ChannelName;
  readonly position: Position;
  readonly type: string;
  readonly key: string | undefined;
  /** When it was appended, in milliseconds since 1970. */
  readonly time: number;
  readonly data: Data;
}

/** Events that a reader asked for and that are no longer there. */
export interface Gap {
  readonly channel: ChannelName;
  /** The position asked for. */
  readonly after: Position;
  /** The position that the reader goes on from. */
  readonly next: Position;
  /** How many events are missing; null where nobody can know. */
  readonly lost: number | null;
  readonly reason: "trimmed" | "epoch";
}

/** What a subscription is given, in order. */
export type Item = ChannelEvent | Gap;

export function isGap(item: Item): item is Gap {
  return "lost" in item;
}

/** Where a reader stands when it has taken this item. */
export function positionAfter(item: Item): Position {
  return isGap(item) ? item.next : item.position;
}

/** An event as {@link Hub.subscribe} gives it: the data as a value. */
export interface ReceivedEvent<T = unknown> {
  /** Its position, `epoch:offset`. */
  readonly id: string;
  readonly channel: string;
  readonly type: string;
  readonly key?: string;
  readonly time: number;
  /** A JSON value, a string, or a Uint8Array. */
  readonly data: T;
}

/** A loss as {@link Hub.subscribe} gives it. */
export interface ReceivedGap {
  readonly type: "$gap";
  readonly channel: string;
  readonly after: string;
  readonly next: string;
  readonly lost: number | null;
  readonly reason: "trimmed" | "epoch";
}

/** The item as an application reads it. */
export function received<T>(item: Item): ReceivedEvent<T> | ReceivedGap {
  if (isGap(item)) return receivedGap(item);
  return {
    id: formatPosition(item.position),
    channel: item.channel,
    type: item.type,
    ...(item.key === undefined ? {} : { key: item.key }),
    time: item.time,
    data: dataToValue(item.data) as T,
  };
}

/** A gap with its positions written out, as the wire has it too. */
export function receivedGap({ channel, after, next, lost, reason }: Gap): ReceivedGap {
  return { type: "$gap", channel, after: formatPosition(after), next: formatPosition(next), lost, reason };
}

/**
 * A value as an event's data: a string is text; an ArrayBuffer, or a view of one such as Uint8Array, is binary; all
 * else is JSON.
 * @throws {TailwireError} `invalid_data` where JSON cannot hold it
 */
export function dataFromValue(value: unknown): Data {
  if (typeof value === "string") return { kind: "text", text: value };
  // Copies, for the caller may write on into its own.
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return { kind: "binary", bytes: new Uint8Array(buffer, byteOffset, byteLength).slice() };
  }
  if (value instanceof ArrayBuffer) return { kind: "binary", bytes: new Uint8Array(value.slice(0)) };
  const text = stringify(value);
  if (text === undefined) throw new TailwireError("invalid_data", `a ${typeof value} is not JSON`);
  return { kind: "json", text };
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new TailwireError("invalid_data", "this value has no JSON form", { cause });
  }
}

/** The data as a value: what {@link dataFromValue} was given. */
export function dataToValue(data: Data): unknown {
  if (data.kind === "binary") return data.bytes;
  return data.kind === "json" ? JSON.parse(data.text) : data.text;
}

/**
 * Refuses data over the limit, counted as UTF-8 or raw bytes.
 * @throws {TailwireError} `event_too_large`
 */
export function checkSize(data: Data, maxEventBytes: number): Data {
  if (dataBytes(data, maxEventBytes) <= maxEventBytes) return data;
  throw new TailwireError("event_too_large", `the event is larger than ${maxEventBytes} bytes (maxEventBytes)`);
}

function dataBytes(data: Data, enough: number): number {
  if (data.kind === "binary") return data.bytes.byteLength;
  const { length } = data.text;
  // A UTF-16 unit becomes one to three bytes, so most texts need not be encoded to be measured.
  return length > enough || length * 3 <= enough ? length : new TextEncoder().encode(data.text).byteLength;
}

const FORBIDDEN = /[\r\n\0]/;

/**
 * Checks an event's type: 1 to 128 characters, no CR, LF or NUL, not beginning with `$`.
 * @throws {TailwireError} `invalid_parameter`
 */
export function checkType(type: string): string {
  checkLine("type", type, 128);
  if (type.startsWith("$")) throw invalid("type", "types that begin with $ belong to the system");
  return type;
}

/**
 * Checks an event's key: 1 to 256 characters, no CR, LF or NUL.
 * @throws {TailwireError} `invalid_parameter`
 */
export function checkKey(key: string): string {
  return checkLine("key", key, 256);
}

/**
 * Checks an idempotency key: 1 to 255 characters, no CR, LF or NUL.
 * @param parameter what to name in the error
 * @throws {TailwireError} `invalid_parameter`
 */
export function checkIdempotencyKey(key: string, parameter = "idempotencyKey"): string {
  return checkLine(parameter, key, 255);
}

function checkLine(parameter: string, text: string, maxLength: number): string {
  if (typeof text !== "string") throw invalid(parameter, "it is a string");
  if (text === "" || text.length > maxLength) throw invalid(parameter, `it has 1 to ${maxLength} characters`);
  if (FORBIDDEN.test(text)) throw invalid(parameter, "it may not hold CR, LF or NUL");
  return text;
}

function invalid(parameter: string, why: string): TailwireError {
  return new TailwireError("invalid_parameter", `${parameter}: ${why}`, { parameter });
}

/**
 * What an event costs a log, in bytes: its data, type and key, as UTF-16 or raw bytes, whichever it is kept as.
 * An estimate that is cheap and never below the characters kept.
 */
export function eventBytes(event: ChannelEvent): number {
  const { data } = event;
  const size = data.kind === "binary" ? data.bytes.byteLength : data.text.length;
  return size + event.type.length + (event.key?.length ?? 0);
}
