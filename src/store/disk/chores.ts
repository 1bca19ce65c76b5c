/** What is due in the background: deletions, and channels to be forgotten. Each commit does some of it. */

import type { ChannelName } from "../../core/channel-name.ts";
import type { Retention } from "../../core/log.ts";
import type { Commit } from "./commit.ts";
import type { Database } from "./database.ts";
import { RESTING_MS } from "./due.ts";
import { ALL_PURGED, agedBefore, type Key, logOfPurged, restingBefore } from "./keys.ts";
import { forgottenKeys } from "./known-keys.ts";

/** How much of each kind is found at once. */
const FIND = 1000;
/** So many events of a channel are deleted at once, that not every commit writes at both ends of its log. */
const AT_ONCE = { events: 256, bytes: 256 * 1024 };

export class Chores {
  readonly #retention: Retention;
  /** Channels with events to delete, and how many at least: with the next commit, and with the next round. */
  readonly #now = new Map<ChannelName, number>();
  readonly #later = new Set<ChannelName>();
  readonly #purged = new Set<number>();
  readonly #resting = new Set<ChannelName>();
  #keys: readonly Key[] = [];

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  get waiting(): boolean {
    return this.#now.size + this.#purged.size + this.#resting.size + this.#keys.length > 0;
  }

  /** Finds what has become due. */
  find(database: Database, now: number): void {
    for (const channel of this.#later) this.#now.set(channel, 1);
    this.#later.clear();
    const aged = database.entries(agedBefore(now - this.#retention.maxAgeMs), FIND);
    for (const { value } of aged) this.#now.set(named(value), 1);
    for (const { value } of database.entries(restingBefore(now - RESTING_MS), FIND)) this.#resting.add(named(value));
    for (const { key } of database.entries(ALL_PURGED, FIND)) this.#purged.add(logOfPurged(key));
    this.#keys = database.entries(forgottenKeys(now), FIND).map(({ key }) => key);
  }

  /** Does some of what is due, before anything is appended. It counts as done only when {@link committed} says so. */
  some(commit: Commit, most: number): Done {
    const done: Done = { channels: [], logs: [], resting: [...this.#resting], keys: this.#keys };
    let left = most;
    for (const [channel, least] of this.#now) {
      if (left <= 0) break;
      const deleted = commit.trim(channel, least, left);
      left -= deleted.count + 1;
      if (deleted.done) done.channels.push({ channel, fresh: deleted.fresh });
    }
    for (const log of this.#purged) {
      if (left <= 0) break;
      const deleted = commit.deletePurged(log, left);
      left -= deleted.count + 1;
      if (deleted.done) done.logs.push(log);
    }
    for (const channel of done.resting) commit.forget(channel);
    commit.drop(done.keys);
    return done;
  }

  /** Takes off what was done. */
  committed({ channels, logs, resting, keys }: Done): void {
    for (const { channel, fresh } of channels) {
      this.#now.delete(channel);
      if (fresh) this.#later.add(channel);
    }
    for (const log of logs) this.#purged.delete(log);
    for (const channel of resting) this.#resting.delete(channel);
    if (keys === this.#keys) this.#keys = [];
  }

  /** Looks at how much is stored of a channel that was appended to. */
  appendedTo(channel: ChannelName, events: number, bytes: number): void {
    const over = { events: events - this.#retention.maxEvents, bytes: bytes - this.#retention.maxBytes };
    if (over.events <= 0 && over.bytes <= 0) return;
    this.#later.add(channel);
    if (over.events < AT_ONCE.events && over.bytes < AT_ONCE.bytes) return;
    if (!this.#now.has(channel)) this.#now.set(channel, over.events < AT_ONCE.events ? 1 : AT_ONCE.events);
  }

  purged(log: number): void {
    this.#purged.add(log);
  }
}

/** What one commit did of it. */
export interface Done {
  readonly channels: { readonly channel: ChannelName; readonly fresh: boolean }[];
  readonly logs: number[];
  readonly resting: readonly ChannelName[];
  readonly keys: readonly Key[];
}

function named(value: Buffer): ChannelName {
  return value.toString("latin1") as ChannelName;
}
