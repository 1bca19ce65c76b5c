/**
 * What the primary and its workers say to each other: JSON arrays without names of members, many of them to a line.
 * For an event of 100 bytes that is a third less text than objects, written in 0.45 µs (0.96) and read in 0.54 (1.39);
 * `v8.serialize` takes twice as long as JSON objects. Pure. Both ends are the same program, so nothing is checked here.
 */

import type { ChannelName } from "../core/channel-name.ts";
import type { From } from "../core/cursor.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { ChannelEvent, Data, EventInput, Gap } from "../core/event.ts";
import type { Position } from "../core/position.ts";
import type { Read, ReadLimit } from "../core/store.ts";

/** From a worker. What has an id is answered, with the same. */
export type Ask =
  | readonly ["append", id: number, ChannelName, PackedInput]
  | readonly ["read", id: number, ChannelName, From, ReadLimit]
  | readonly ["purge", id: number, ChannelName]
  | readonly ["follow", ChannelName]
  | readonly ["unfollow", ChannelName]
  /** The channel's fan-out here cannot keep up: publishers shall wait, until it is released. */
  | readonly ["hold", ChannelName]
  | readonly ["release", ChannelName]
  /** All is taken that came before the mark of so many characters. */
  | readonly ["taken", chars: number];

/** From the primary. */
export type Tell =
  | readonly ["appended", id: number, epoch: string, offset: number, duplicate: boolean]
  | readonly ["read", id: number, PackedRead]
  | readonly ["purged", id: number, boolean]
  | readonly ["failed", id: number, ErrorCode, detail: string]
  /** From here on the channel's events are told. */
  | readonly ["following", ChannelName]
  | readonly ["event", PackedEvent]
  /** Asks for `taken`: the events since the last mark have so many characters. */
  | readonly ["mark", chars: number];

export type PackedInput = readonly [
  type: string,
  key: string | null,
  idempotencyKey: string | null,
  kind: Data["kind"],
  data: string,
];
export type PackedEvent = readonly [
  channel: ChannelName,
  epoch: string,
  offset: number,
  time: number,
  type: string,
  key: string | null,
  kind: Data["kind"],
  data: string,
];
export type PackedRead = readonly [start: Position, Gap | null, readonly PackedEvent[], head: Position];

export function packInput({ type, key, idempotencyKey, data }: EventInput): PackedInput {
  return [type, key ?? null, idempotencyKey ?? null, data.kind, packData(data)];
}

export function unpackInput([type, key, idempotencyKey, kind, data]: PackedInput): EventInput {
  return { type, key: key ?? undefined, idempotencyKey: idempotencyKey ?? undefined, data: unpackData(kind, data) };
}

export function packEvent({ channel, position, time, type, key, data }: ChannelEvent): PackedEvent {
  return [channel, position.epoch, position.offset, time, type, key ?? null, data.kind, packData(data)];
}

export function unpackEvent([channel, epoch, offset, time, type, key, kind, data]: PackedEvent): ChannelEvent {
  const position = { epoch, offset };
  return { channel, position, type, key: key ?? undefined, time, data: unpackData(kind, data) };
}

export function packRead({ start, gap, events, head }: Read): PackedRead {
  return [start, gap ?? null, events.map(packEvent), head];
}

export function unpackRead([start, gap, events, head]: PackedRead): Read {
  return { start, gap: gap ?? undefined, events: events.map(unpackEvent), head };
}

function packData(data: Data): string {
  if (data.kind !== "binary") return data.text;
  const { buffer, byteOffset, byteLength } = data.bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function unpackData(kind: Data["kind"], text: string): Data {
  // A copy: a small Buffer is a view of a larger one, which the log would keep.
  return kind === "binary" ? { kind, bytes: new Uint8Array(Buffer.from(text, "base64")) } : { kind, text };
}
