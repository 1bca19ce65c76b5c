/**
 * Logs in this process's memory. What is appended is known to its followers before append returns. When the process
 * ends, it is gone, and the next life has other epochs; unless it was handed over, as a snapshot.
 */

import type { ChannelName } from "../core/channel-name.ts";
import { type Cancel, type Clock, newEpoch, systemClock } from "../core/clock.ts";
import type { From } from "../core/cursor.ts";
import { TailwireError } from "../core/errors.ts";
import type { ChannelEvent, EventInput } from "../core/event.ts";
import { checkRetention, DEFAULT_RETENTION, Log, type Retention } from "../core/log.ts";
import type { Position } from "../core/position.ts";
import type { Appended, Purgeable, Read, ReadLimit, Store } from "../core/store.ts";
import { Contents } from "./contents.ts";
import { encodeSnapshot, SnapshotReader } from "./snapshot.ts";

export interface MemoryStoreOptions {
  /** What each channel keeps; what is left out is 1,000 events, 1 MiB, one hour. */
  readonly retention?: Partial<Retention>;
  readonly clock?: Clock;
}

/**
 * A store whose logs can be handed over to the next process: what it held is as it was, with the same epochs, positions
 * and idempotency keys, so that a client's cursor goes on.
 *
 * A snapshot may be restored once. A second life from the same one would give other events the positions of those that
 * the first has appended since: so whoever keeps it in a file removes that before events are taken.
 */
export interface Snapshots {
  /** All that the store holds, part by part. From the call on it takes no more appends: `shutting_down`. */
  snapshot(): Iterable<Uint8Array>;
  /**
   * Takes over what a snapshot holds, before anything was published. Where it rejects, nothing is taken over.
   * @throws {TailwireError} `invalid_data` for what is damaged, cut off or of a newer version; `misuse` for a store that
   * holds something
   */
  restore(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>;
}

/** How long an idempotency key is remembered, in milliseconds. */
const IDEMPOTENCY_MS = 600_000;
/** How often logs that nobody appends to are trimmed by age, in milliseconds. */
const SWEEP_MS = 10_000;

/**
 * A store in memory, for one process.
 * @throws {TailwireError} `misuse` for a retention that makes no sense
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store & Purgeable & Snapshots {
  const retention = checkRetention({ ...DEFAULT_RETENTION, ...options.retention });
  return new MemoryStore(retention, options.clock ?? systemClock);
}

type Listener = (event: ChannelEvent) => void;

class MemoryStore implements Store, Purgeable, Snapshots {
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #followers = new Map<ChannelName, Set<Listener>>();
  #contents: Contents;
  #state: "open" | "handed over" = "open";
  /** When the keys were last aged. */
  #keysAgedAt: number;
  #sweep: Cancel | undefined;

  constructor(retention: Retention, clock: Clock) {
    this.#retention = retention;
    this.#clock = clock;
    this.#contents = new Contents(clock);
    this.#keysAgedAt = clock.now();
  }

  append(channel: ChannelName, input: EventInput): Appended {
    this.#refuseHandedOver();
    const time = this.#clock.now();
    const key = input.idempotencyKey === undefined ? undefined : `${channel} ${input.idempotencyKey}`;
    const known = key === undefined ? undefined : this.#known(key, time);
    if (known !== undefined) return { position: known, duplicate: true };
    const log = this.#contents.log(channel);
    const position = { epoch: log.epoch, offset: log.head.offset + 1 };
    const event: ChannelEvent = { channel, position, type: input.type, key: input.key, time, data: input.data };
    log.append(event, this.#retention);
    if (key !== undefined) this.#contents.keys.set(key, { position, time });
    this.#scheduleSweep();
    for (const listener of this.#followers.get(channel) ?? []) listener(event);
    return { position, duplicate: false };
  }

  read(channel: ChannelName, from: From, limit: ReadLimit): Read {
    const log = this.#contents.logs.get(channel);
    log?.trim(this.#clock.now(), this.#retention);
    return (log ?? new Log(channel, this.#contents.rest(channel))).read(from, limit);
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
    this.#refuseHandedOver();
    const isKnown = this.#contents.logs.has(channel) || this.#contents.rest(channel).offset > 0;
    if (isKnown) this.#contents.lay(channel, { epoch: newEpoch(this.#clock), offset: 0 });
    return isKnown;
  }

  close(): void {
    this.#sweep?.();
    this.#sweep = undefined;
  }

  snapshot(): Iterable<Uint8Array> {
    this.close();
    this.#state = "handed over";
    this.#trimAll(this.#clock.now());
    return encodeSnapshot(this.#contents.records());
  }

  async restore(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    this.#refuseUsed();
    const contents = new Contents(this.#clock);
    const reader = new SnapshotReader();
    const take = contents.restorer(this.#retention);
    for await (const part of parts) for (const record of reader.push(part)) take(record);
    reader.end();
    this.#refuseUsed();
    this.#contents = contents;
    if (!contents.empty) this.#scheduleSweep();
  }

  #known(key: string, now: number): Position | undefined {
    const entry = this.#contents.keys.get(key);
    return entry !== undefined && now - entry.time <= IDEMPOTENCY_MS ? entry.position : undefined;
  }

  #refuseHandedOver(): void {
    if (this.#state !== "open") throw new TailwireError("shutting_down", "the logs have been handed over");
  }

  #refuseUsed(): void {
    if (this.#contents.empty && this.#state === "open") return;
    throw new TailwireError("misuse", "a snapshot is restored first of all: into a store that holds nothing");
  }

  #scheduleSweep(): void {
    this.#sweep ??= this.#clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      this.#trimAll(this.#clock.now());
      if (this.#contents.logs.size > 0 || this.#contents.keys.size > 0) this.#scheduleSweep();
    });
  }

  #trimAll(now: number): void {
    for (const [channel, log] of this.#contents.logs) {
      log.trim(now, this.#retention);
      if (log.size === 0 && !this.#followers.has(channel)) this.#contents.lay(channel, log.head);
    }
    this.#ageKeys(now);
  }

  #ageKeys(now: number): void {
    if (now - this.#keysAgedAt <= IDEMPOTENCY_MS) return;
    this.#contents.keys.age();
    this.#keysAgedAt = now;
  }
}
