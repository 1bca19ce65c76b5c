/**
 * What one transaction does: deletions, appends and purges, worked out on what it began with. Nothing is written until
 * all of it stands, so that a fault on the way leaves nothing behind.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { type Clock, newEpoch } from "../../core/clock.ts";
import { type ChannelEvent, type EventInput, eventBytes } from "../../core/event.ts";
import type { Retention } from "../../core/log.ts";
import type { Appended } from "../../core/store.ts";
import { entered, entryWrites, RESTING_MS, type Write } from "./due.ts";
import { deletableTo, keptAfter } from "./kept.ts";
import { channelKey, commitKey, eventKey, type Key, purgedKey, STATE_KEY } from "./keys.ts";
import { KnownKeys } from "./known-keys.ts";
import {
  type ChannelRecord,
  decodePurged,
  encodeEvent,
  encodeNames,
  encodePurged,
  encodeRecord,
  encodeState,
  type State,
} from "./values.ts";
import { readHead, readRecord, readState, type View } from "./view.ts";

/** Commits whose channels can be looked up: a process that has missed more looks at all that it follows. */
const KEPT_COMMITS = 4096;
/** Older ones are deleted so many at once. */
const FORGOTTEN_COMMITS = 512;

const EMPTY = { newest: 0, trimmed: 0, newestBytes: 0, trimmedBytes: 0, newestTime: 0, agedAt: 0, restingSince: 0 };

/** What has come of a commit. */
export interface Changes {
  /** In this order. */
  readonly writes: readonly Write[];
  /** What was appended, in order, and the number of the commit that did. */
  readonly events: readonly ChannelEvent[];
  readonly commit: number;
}

/** How far a deletion came. */
export interface Deleted {
  readonly count: number;
  /** Whether that was all that could be deleted now. */
  readonly done: boolean;
  /** Whether there is more that is too fresh. */
  readonly fresh: boolean;
}

const NOTHING: Deleted = { count: 0, done: true, fresh: false };

export class Commit {
  readonly #view: View;
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #now: number;
  readonly #writes: Write[] = [];
  readonly #events: ChannelEvent[] = [];
  /** As they were, and as they are to be. */
  readonly #before = new Map<ChannelName, ChannelRecord | undefined>();
  readonly #records = new Map<ChannelName, ChannelRecord | undefined>();
  readonly #appendedTo = new Set<ChannelName>();
  readonly #keys: KnownKeys;
  #state: State;

  constructor(view: View, retention: Retention, clock: Clock) {
    this.#view = view;
    this.#retention = retention;
    this.#clock = clock;
    this.#now = Math.floor(clock.now());
    this.#keys = new KnownKeys(view, this.#now, (key, value) => this.#writes.push([key, value]));
    this.#state = readState(view);
  }

  append(channel: ChannelName, { data, type, key, idempotencyKey }: EventInput): Appended {
    const record = this.#record(channel) ?? this.#newRecord();
    const known = idempotencyKey === undefined ? undefined : this.#keys.get(record.channel, idempotencyKey);
    if (known !== undefined) return { position: known, duplicate: true };
    const position = { epoch: record.epoch, offset: record.newest + 1 };
    // A clock that is set back does not make events older than those before them.
    const time = Math.max(this.#now, record.newestTime);
    const event: ChannelEvent = { channel, position, type, key, time, data };
    this.#writes.push([eventKey(record.log, position.offset), encodeEvent(event, record.newestBytes)]);
    this.#events.push(event);
    this.#appendedTo.add(channel);
    const newestBytes = record.newestBytes + eventBytes(event);
    this.#change(channel, { ...record, newest: position.offset, newestBytes, newestTime: time });
    if (idempotencyKey !== undefined) this.#keys.set(record.channel, idempotencyKey, position);
    return { position, duplicate: false };
  }

  /** Drops a channel's log, whose events go later, by {@link deletePurged}; undefined where there was none. */
  purge(channel: ChannelName): number | undefined {
    const record = this.#record(channel);
    if (record === undefined || record.newest === 0) return undefined;
    this.#writes.push([purgedKey(record.log), encodePurged(record)]);
    const [log, epoch] = [this.#nextNumber(), newEpoch(this.#clock)];
    this.#change(channel, { ...EMPTY, channel: record.channel, log, epoch });
    return record.log;
  }

  /**
   * Deletes what retention has passed of a channel, where that is at least so much. To be called before anything is
   * appended.
   */
  trim(channel: ChannelName, least: number, most: number): Deleted {
    const record = this.#record(channel);
    if (record === undefined) return NOTHING;
    const head = (offset: number) => readHead(this.#view, record.log, offset);
    const kept = keptAfter(record, this.#retention, this.#now, head);
    const last = deletableTo(record, kept, this.#now, head);
    if (last - record.trimmed < least) return { ...NOTHING, fresh: kept > record.trimmed };
    const trimmed = Math.min(last, record.trimmed + most);
    const count = this.#deleteEvents(record.log, record.trimmed, trimmed);
    const trimmedBytes = head(trimmed).bytes;
    // Still by the oldest of before, unless that is what it was looked at for.
    const looked = trimmed < record.newest && this.#now - record.agedAt > this.#retention.maxAgeMs;
    const agedAt = looked ? head(trimmed + 1).time : record.agedAt;
    this.#change(channel, { ...record, trimmed, trimmedBytes, agedAt });
    return { count, done: trimmed === last, fresh: last < kept };
  }

  /** Deletes events of a log that was purged before. */
  deletePurged(log: number, most: number): Deleted {
    const value = this.#view.get(purgedKey(log));
    if (value === undefined) return NOTHING;
    const { trimmed: first, newest } = decodePurged(value);
    const trimmed = Math.min(newest, first + most);
    const count = this.#deleteEvents(log, first, trimmed);
    const done = trimmed === newest;
    this.#writes.push([purgedKey(log), done ? undefined : encodePurged({ trimmed, newest })]);
    return { count, done, fresh: false };
  }

  /** Deletes keys that mean nothing any more. */
  drop(keys: readonly Key[]): void {
    for (const key of keys) this.#writes.push([key, undefined]);
  }

  /** Forgets a channel that has had no events for long. It may begin again: not in an epoch in which it had events. */
  forget(channel: ChannelName): void {
    const record = this.#record(channel);
    if (record === undefined || record.restingSince === 0 || this.#now - record.restingSince <= RESTING_MS) return;
    this.#records.set(channel, undefined);
    this.#state = { ...this.#state, epoch: newEpoch(this.#clock) };
  }

  /** How many of a channel's events are stored, and their bytes. */
  stored(channel: ChannelName): { readonly events: number; readonly bytes: number } {
    const { newest, trimmed, newestBytes, trimmedBytes } = this.#record(channel) ?? EMPTY;
    return { events: newest - trimmed, bytes: newestBytes - trimmedBytes };
  }

  /** All that is to be written. */
  finish(): Changes {
    for (const [channel, record] of this.#records) {
      const before = this.#before.get(channel);
      if (record === before) continue;
      const after = record && entered(record, this.#now);
      this.#writes.push([channelKey(channel), after && encodeRecord(after)]);
      this.#writes.push(...entryWrites(channel, before, after));
    }
    if (this.#events.length > 0) this.#count();
    if (this.#writes.length > 0) this.#writes.push([STATE_KEY, encodeState(this.#state)]);
    return { writes: this.#writes, events: this.#events, commit: this.#state.commits };
  }

  #count(): void {
    const commits = this.#state.commits + 1;
    this.#state = { ...this.#state, commits };
    this.#writes.push([commitKey(commits), encodeNames(this.#appendedTo)]);
    if (commits % FORGOTTEN_COMMITS !== 0) return;
    const last = commits - KEPT_COMMITS;
    for (let old = Math.max(1, last - FORGOTTEN_COMMITS + 1); old <= last; old += 1) this.drop([commitKey(old)]);
  }

  #newRecord(): ChannelRecord {
    return { ...EMPTY, channel: this.#nextNumber(), log: this.#nextNumber(), epoch: this.#state.epoch };
  }

  #nextNumber(): number {
    const { nextNumber } = this.#state;
    this.#state = { ...this.#state, nextNumber: nextNumber + 1 };
    return nextNumber;
  }

  /** Deletes the events after an offset, up to another. */
  #deleteEvents(log: number, after: number, last: number): number {
    for (let offset = after + 1; offset <= last; offset += 1) this.drop([eventKey(log, offset)]);
    return last - after;
  }

  #record(channel: ChannelName): ChannelRecord | undefined {
    if (!this.#records.has(channel)) {
      const record = readRecord(this.#view, channel);
      this.#before.set(channel, record);
      this.#records.set(channel, record);
    }
    return this.#records.get(channel);
  }

  #change(channel: ChannelName, record: ChannelRecord): void {
    this.#records.set(channel, record);
  }
}
