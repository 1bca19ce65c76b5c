/** The log of one channel: append-only, bounded by events, bytes and age. It keeps no time: `now` is handed in. */

import type { ChannelName } from "./channel-name.ts";
import type { From } from "./cursor.ts";
import { TailwireError } from "./errors.ts";
import { type ChannelEvent, eventBytes, type Gap } from "./event.ts";
import type { Position } from "./position.ts";
import type { Read, ReadLimit } from "./store.ts";

/** What a log keeps: an event goes as soon as it is over any of the three. */
export interface Retention {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** 1,000 events, 1 MiB, one hour. */
export const DEFAULT_RETENTION: Retention = { maxEvents: 1000, maxBytes: 1024 * 1024, maxAgeMs: 3_600_000 };

/**
 * Refuses what is no retention.
 * @throws {TailwireError} `misuse`
 */
export function checkRetention(retention: Retention): Retention {
  for (const [name, value] of Object.entries(retention)) {
    if (!(name in DEFAULT_RETENTION)) throw misuse(name, `there is no retention by ${name}`);
    if (typeof value !== "number" || !(value >= 0))
      throw misuse(name, `${name} is a number of at least 0, not ${value}`);
  }
  return retention;
}

function misuse(parameter: string, detail: string): TailwireError {
  return new TailwireError("misuse", detail, { parameter });
}

/** Trimmed places at the front of the array are given back once there are this many. */
const COMPACT_AT = 1024;

export class Log {
  readonly channel: ChannelName;
  readonly epoch: string;
  /** `#events[#first]` is the oldest event kept; before it, places of trimmed ones. */
  #events: ChannelEvent[] = [];
  #first = 0;
  #bytes = 0;
  /** The offset of the newest event ever appended. */
  #newest: number;

  /** @param after the position that the first event will follow, 0 for a new epoch */
  constructor(channel: ChannelName, after: Position) {
    this.channel = channel;
    this.epoch = after.epoch;
    this.#newest = after.offset;
  }

  /** The newest event's position, also when it is trimmed. */
  get head(): Position {
    return { epoch: this.epoch, offset: this.#newest };
  }

  /** How many events are kept. */
  get size(): number {
    return this.#events.length - this.#first;
  }

  /** Adds an event, which must stand right after the head, and applies retention. */
  append(event: ChannelEvent, retention: Retention): void {
    this.#events.push(event);
    this.#newest = event.position.offset;
    this.#bytes += eventBytes(event);
    this.trim(event.time, retention);
  }

  /** Applies retention; returns how many events went. The newest event is kept whatever its size, until it is too old. */
  trim(now: number, { maxEvents, maxBytes, maxAgeMs }: Retention): number {
    const before = this.#first;
    for (let oldest = this.#events[this.#first]; oldest !== undefined; oldest = this.#events[this.#first]) {
      const tooMany = this.size > maxEvents;
      const tooLarge = this.#bytes > maxBytes && this.size > 1;
      if (!tooMany && !tooLarge && now - oldest.time <= maxAgeMs) break;
      this.#bytes -= eventBytes(oldest);
      this.#first += 1;
    }
    const trimmed = this.#first - before;
    this.#compact();
    return trimmed;
  }

  /** Reads on from a place; see {@link Store.read}. */
  read(from: From, limit: ReadLimit): Read {
    const oldest: Position = { epoch: this.epoch, offset: this.#newest - this.size };
    const { start, gap } = place(this.channel, from, oldest, this.head);
    return { start, gap, events: this.#slice(gap?.next ?? start, limit), head: this.head };
  }

  #slice(after: Position, { maxEvents, maxBytes }: ReadLimit): readonly ChannelEvent[] {
    const begin = this.#events.length - (this.#newest - after.offset);
    let end = begin;
    let bytes = 0;
    for (const last = Math.min(this.#events.length, begin + maxEvents); end < last; end += 1) {
      bytes += eventBytes(this.#events[end] as ChannelEvent);
      if (bytes > maxBytes && end > begin) break;
    }
    return this.#events.slice(begin, end);
  }

  #compact(): void {
    if (this.#first < this.#events.length && this.#first < COMPACT_AT) return;
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
  }
}

/**
 * Where a read begins in a log, and the gap if there is one.
 * @param oldest the position before the oldest event that is kept
 */
export function place(
  channel: ChannelName,
  from: From,
  oldest: Position,
  head: Position,
): { readonly start: Position; readonly gap: Gap | undefined } {
  const start = resolve(from, oldest, head);
  return { start, gap: gapBetween(channel, start, oldest) };
}

function resolve(from: From, oldest: Position, head: Position): Position {
  switch (from.kind) {
    case "after":
      return from.position;
    case "now":
      return head;
    case "earliest":
      return oldest;
    case "last":
      return { epoch: head.epoch, offset: Math.max(oldest.offset, head.offset - from.count) };
  }
}

function gapBetween(channel: ChannelName, after: Position, oldest: Position): Gap | undefined {
  const gap = { channel, after, next: oldest };
  if (after.epoch !== oldest.epoch) return { ...gap, lost: null, reason: "epoch" };
  if (after.offset >= oldest.offset) return undefined;
  return { ...gap, lost: oldest.offset - after.offset, reason: "trimmed" };
}
