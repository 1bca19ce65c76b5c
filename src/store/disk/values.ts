/** What stands under the keys: bytes and back, pure. */

import type { ChannelName } from "../../core/channel-name.ts";
import { type ChannelEvent, type Data, eventBytes } from "../../core/event.ts";
import { formatPosition, type Position, parsePosition } from "../../core/position.ts";
import { LONE_SURROGATE } from "./keys.ts";

/** What all channels share. */
export interface State {
  /** How many commits have appended something. */
  readonly commits: number;
  /** The number that the next channel or log gets. */
  readonly nextNumber: number;
  /** The epoch of channels that have no record. */
  readonly epoch: string;
}

/** Where a channel stands. It outlives its events. */
export interface ChannelRecord {
  /** Its own number, which it keeps through purges, and the number under which its events are. */
  readonly channel: number;
  readonly log: number;
  readonly epoch: string;
  /** The offset of the newest event ever appended, and of the newest one that was deleted. */
  readonly newest: number;
  readonly trimmed: number;
  /** How many bytes the epoch's events had up to and with each of the two. */
  readonly newestBytes: number;
  readonly trimmedBytes: number;
  readonly newestTime: number;
  /** The time of its entries among the aged and the resting; 0 where it has none. */
  readonly agedAt: number;
  readonly restingSince: number;
}

/** What is known of an event without its data. */
export interface EventHead {
  readonly time: number;
  /** How many bytes the epoch's events had up to and with this one. */
  readonly bytes: number;
}

/** What an idempotency key was answered with, and when. */
export interface KnownKey {
  readonly position: Position;
  readonly time: number;
}

export function encodeState({ commits, nextNumber, epoch }: State): Buffer {
  const value = Buffer.allocUnsafe(12 + epoch.length);
  value.writeUIntBE(commits, 0, 6);
  value.writeUIntBE(nextNumber, 6, 6);
  value.write(epoch, 12, "latin1");
  return value;
}

export function decodeState(value: Buffer): State {
  return {
    commits: value.readUIntBE(0, 6),
    nextNumber: value.readUIntBE(6, 6),
    epoch: value.toString("latin1", 12),
  };
}

export function encodeRecord(record: ChannelRecord): Buffer {
  const value = Buffer.allocUnsafe(58 + record.epoch.length);
  value.writeUIntBE(record.channel, 0, 6);
  value.writeUIntBE(record.log, 6, 6);
  value.writeUIntBE(record.newest, 12, 6);
  value.writeUIntBE(record.trimmed, 18, 6);
  value.writeDoubleBE(record.newestBytes, 24);
  value.writeDoubleBE(record.trimmedBytes, 32);
  value.writeUIntBE(record.newestTime, 40, 6);
  value.writeUIntBE(record.agedAt, 46, 6);
  value.writeUIntBE(record.restingSince, 52, 6);
  value.write(record.epoch, 58, "latin1");
  return value;
}

export function decodeRecord(value: Buffer): ChannelRecord {
  return {
    channel: value.readUIntBE(0, 6),
    log: value.readUIntBE(6, 6),
    newest: value.readUIntBE(12, 6),
    trimmed: value.readUIntBE(18, 6),
    newestBytes: value.readDoubleBE(24),
    trimmedBytes: value.readDoubleBE(32),
    newestTime: value.readUIntBE(40, 6),
    agedAt: value.readUIntBE(46, 6),
    restingSince: value.readUIntBE(52, 6),
    epoch: value.toString("latin1", 58),
  };
}

/** The channels that a commit appended to; no name has a comma. */
export function encodeNames(names: Iterable<ChannelName>): Buffer {
  return Buffer.from([...names].join(","), "latin1");
}

export function decodeNames(value: Buffer): readonly ChannelName[] {
  return value.toString("latin1").split(",") as ChannelName[];
}

export function encodeKnownKey({ position, time }: KnownKey): Buffer {
  return Buffer.from(`${time} ${formatPosition(position)}`, "latin1");
}

export function decodeKnownKey(value: Buffer): KnownKey | undefined {
  const [time, position] = value.toString("latin1").split(" ");
  const parsed = parsePosition(position ?? "");
  return parsed === undefined ? undefined : { position: parsed, time: Number(time) };
}

/** The offsets of a purged log that are still there: those after `trimmed`, up to `newest`. */
export type PurgedLog = Pick<ChannelRecord, "trimmed" | "newest">;

export function encodePurged({ trimmed, newest }: PurgedLog): Buffer {
  const value = Buffer.allocUnsafe(12);
  value.writeUIntBE(trimmed, 0, 6);
  value.writeUIntBE(newest, 6, 6);
  return value;
}

export function decodePurged(value: Buffer): PurgedLog {
  return { trimmed: value.readUIntBE(0, 6), newest: value.readUIntBE(6, 6) };
}

const KINDS = ["json", "text", "binary"] as const;
/** Flags beside the kind of the data, which has the lowest two bits. */
const NAMED_TYPE = 4;
const KEYED = 8;
/** Texts are UTF-16, for one of them is not well-formed and UTF-8 cannot hold it. */
const WIDE = 16;
const HEAD_BYTES = 15;

/**
 * An event: flags, time, bytes so far, then type and key, each behind its length in two bytes and only where it has
 * one, then the data.
 * @param bytesBefore how many bytes the epoch's events had before this one
 */
export function encodeEvent(event: ChannelEvent, bytesBefore: number): Buffer {
  const { type, key, data } = event;
  const wide = [type, key ?? "", data.kind === "binary" ? "" : data.text].some((text) => LONE_SURROGATE.test(text));
  const encoding = wide ? "utf16le" : "utf8";
  const typeBytes = type === "message" ? 0 : 2 + Buffer.byteLength(type, encoding);
  const keyBytes = key === undefined ? 0 : 2 + Buffer.byteLength(key, encoding);
  const dataBytes = data.kind === "binary" ? data.bytes.byteLength : Buffer.byteLength(data.text, encoding);
  const value = Buffer.allocUnsafe(HEAD_BYTES + typeBytes + keyBytes + dataBytes);
  const flags = (typeBytes > 0 ? NAMED_TYPE : 0) | (keyBytes > 0 ? KEYED : 0) | (wide ? WIDE : 0);
  value[0] = KINDS.indexOf(data.kind) | flags;
  value.writeUIntBE(event.time, 1, 6);
  value.writeDoubleBE(bytesBefore + eventBytes(event), 7);
  let at = HEAD_BYTES;
  if (typeBytes > 0) at = writeText(value, type, typeBytes - 2, at, encoding);
  if (key !== undefined) at = writeText(value, key, keyBytes - 2, at, encoding);
  if (data.kind === "binary") value.set(data.bytes, at);
  else value.write(data.text, at, encoding);
  return value;
}

export function decodeHead(value: Buffer): EventHead {
  return { time: value.readUIntBE(1, 6), bytes: value.readDoubleBE(7) };
}

/** @param value may be used for something else after this: nothing of it is kept */
export function decodeEvent(value: Buffer, channel: ChannelName, position: Position): ChannelEvent {
  const flags = value[0] as number;
  const encoding = (flags & WIDE) === 0 ? "utf8" : "utf16le";
  let at = HEAD_BYTES;
  const text = (): string => {
    const end = at + 2 + value.readUInt16BE(at);
    const read = value.toString(encoding, at + 2, end);
    at = end;
    return read;
  };
  const type = (flags & NAMED_TYPE) === 0 ? "message" : text();
  const key = (flags & KEYED) === 0 ? undefined : text();
  const { time } = decodeHead(value);
  return { channel, position, type, key, time, data: decodeData(value.subarray(at), flags, encoding) };
}

function decodeData(value: Buffer, flags: number, encoding: BufferEncoding): Data {
  const kind = KINDS[(flags & 3) as 0 | 1 | 2];
  return kind === "binary" ? { kind, bytes: new Uint8Array(value) } : { kind, text: value.toString(encoding) };
}

function writeText(value: Buffer, text: string, bytes: number, at: number, encoding: BufferEncoding): number {
  value.writeUInt16BE(bytes, at);
  value.write(text, at + 2, encoding);
  return at + 2 + bytes;
}
