/**
 * Logs in this process's memory. What is appended is known to its followers before append returns; when the
 * process ends, it is gone, and the next life has other epochs.
 */

import type { ChannelName } from "../core/channel-name.ts";
import { type Cancel, type Clock, newEpoch, systemClock } from "../core/clock.ts";
import type { From } from "../core/cursor.ts";
import type { ChannelEvent, EventInput } from "../core/event.ts";
import { checkRetention, DEFAULT_RETENTION, Log, type Retention } from "../core/log.ts";
import type { Position } from "../core/position.ts";
import type { Appended, Purgeable, Read, ReadLimit, Store } from "../core/store.ts";
import { Generations } from "./generations.ts";

export interface MemoryStoreOptions {
  /** What each channel keeps; what is left out is 1,000 events, 1 MiB, one hour. */
  readonly retention?: Partial<Retention>;
  readonly clock?: Clock;
}

/** How long an idempotency key is remembered, in milliseconds. */
const IDEMPOTENCY_MS = 600_000;
/** How often logs that nobody appends to are trimmed by age, in milliseconds. */
const SWEEP_MS = 10_000;
/** Freed channels whose last position is remembered, so that their epoch goes on. About 100 bytes each. */
const MAX_RESTING = 200_000;
/** Idempotency keys remembered over all channels: the newest half in any case. About 200 bytes each. */
const MAX_KEYS = 500_000;

/**
 * A store in memory, for one process.
 * @throws {TailwireError} `misuse` for a retention that makes no sense
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store & Purgeable {
  const retention = checkRetention({ ...DEFAULT_RETENTION, ...options.retention });
  return new MemoryStore(retention, options.clock ?? systemClock);
}

type Listener = (event: ChannelEvent) => void;

class MemoryStore implements Store, Purgeable {
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #logs = new Map<ChannelName, Log>();
  readonly #followers = new Map<ChannelName, Set<Listener>>();
  /**
   * Where the logs stood that are kept no longer: a log that begins again goes on from there, so that an old
   * cursor is still told the truth.
   */
  readonly #resting = new Generations<ChannelName, Position>(MAX_RESTING);
  readonly #keys = new Generations<string, { readonly position: Position; readonly time: number }>(MAX_KEYS);
  /** When the keys were last aged. */
  #keysAgedAt: number;
  /** The epoch of channels that have had no event in this life. */
  #epoch: string;
  #sweep: Cancel | undefined;

  constructor(retention: Retention, clock: Clock) {
    this.#retention = retention;
    this.#clock = clock;
    this.#epoch = newEpoch(clock);
    this.#keysAgedAt = clock.now();
  }

  append(channel: ChannelName, input: EventInput): Appended {
    const time = this.#clock.now();
    const key = input.idempotencyKey === undefined ? undefined : `${channel} ${input.idempotencyKey}`;
    const known = key === undefined ? undefined : this.#known(key, time);
    if (known !== undefined) return { position: known, duplicate: true };
    const log = this.#log(channel);
    const position = { epoch: log.epoch, offset: log.head.offset + 1 };
    const event: ChannelEvent = { channel, position, type: input.type, key: input.key, time, data: input.data };
    log.append(event, this.#retention);
    if (key !== undefined) this.#keys.set(key, { position, time });
    this.#scheduleSweep();
    for (const listener of this.#followers.get(channel) ?? []) listener(event);
    return { position, duplicate: false };
  }

  read(channel: ChannelName, from: From, limit: ReadLimit): Read {
    const log = this.#logs.get(channel);
    log?.trim(this.#clock.now(), this.#retention);
    return (log ?? new Log(channel, this.#rest(channel))).read(from, limit);
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    const listeners = this.#followers.get(channel) ?? new Set();
    const own: Listener = (event) => listener(event); // the same listener may follow twice
    this.#followers.set(channel, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#followers.get(channel) === listeners) this.#followers.delete(channel);
    };
  }

  purge(channel: ChannelName): boolean {
    const log = this.#logs.get(channel);
    const rest = this.#rest(channel);
    if (log === undefined && rest.offset === 0) return false;
    this.#logs.delete(channel);
    this.#lay(channel, { epoch: newEpoch(this.#clock), offset: 0 });
    return true;
  }

  close(): void {
    this.#sweep?.();
    this.#sweep = undefined;
  }

  #log(channel: ChannelName): Log {
    const existing = this.#logs.get(channel);
    if (existing !== undefined) return existing;
    const log = new Log(channel, this.#rest(channel));
    this.#resting.delete(channel);
    this.#logs.set(channel, log);
    return log;
  }

  #rest(channel: ChannelName): Position {
    return this.#resting.get(channel) ?? { epoch: this.#epoch, offset: 0 };
  }

  /** Remembers where a log stood that is freed now. */
  #lay(channel: ChannelName, position: Position): void {
    // A forgotten channel may begin again: not in an epoch in which it had events.
    if (this.#resting.set(channel, position)) this.#epoch = newEpoch(this.#clock);
  }

  #known(key: string, now: number): Position | undefined {
    const entry = this.#keys.get(key);
    return entry !== undefined && now - entry.time <= IDEMPOTENCY_MS ? entry.position : undefined;
  }

  #scheduleSweep(): void {
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      this.#trimAll(this.#clock.now());
      if (this.#logs.size > 0 || this.#keys.size > 0) this.#scheduleSweep();
    });
  }

  #trimAll(now: number): void {
    for (const [channel, log] of this.#logs) {
      log.trim(now, this.#retention);
      if (log.size > 0 || this.#followers.has(channel)) continue;
      this.#logs.delete(channel);
      this.#lay(channel, log.head);
    }
    this.#ageKeys(now);
  }

  #ageKeys(now: number): void {
    if (now - this.#keysAgedAt <= IDEMPOTENCY_MS) return;
    this.#keys.age();
    this.#keysAgedAt = now;
  }
}
