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
/** Events over the retention that wait for the next round, and those that are deleted with the next commit. */
const SLACK = { events: 256, bytes: 256 * 1024 };

export class Chores {
  readonly #retention: Retention;
  /** Channels with events to delete: with the next commit, and with the next round. */
  readonly #now = new Set<ChannelName>();
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
    for (const { value } of database.entries(agedBefore(now - this.#retention.maxAgeMs), FIND))
      this.#now.add(named(value));
    for (const { value } of database.entries(restingBefore(now - RESTING_MS), FIND)) this.#resting.add(named(value));
    for (const { key } of database.entries(ALL_PURGED, FIND)) this.#purged.add(logOfPurged(key));
    this.#keys = database.entries(forgottenKeys(now), FIND).map(({ key }) => key);
    for (const channel of this.#later) this.#now.add(channel);
    this.#later.clear();
  }

  /** Does some of what is due, before anything is appended. What is done is taken off only by {@link done}. */
  some(commit: Commit, most: number): Done {
    let left = most;
    const done: Done = { channels: [], logs: [], resting: [...this.#resting], keys: this.#keys };
    for (const channel of this.#now) {
      if (left <= 0) break;
      const { count, done: all } = commit.trim(channel, left);
      left -= count + 1;
      if (all) done.channels.push(channel);
    }
    for (const log of this.#purged) {
      if (left <= 0) break;
      const { count, done: all } = commit.deletePurged(log, left);
      left -= count + 1;
      if (all) done.logs.push(log);
    }
    for (const channel of done.resting) commit.forget(channel);
    commit.drop(done.keys);
    return done;
  }

  /** Takes off what was committed. */
  done({ channels, logs, resting, keys }: Done): void {
    for (const channel of channels) this.#now.delete(channel);
    for (const log of logs) this.#purged.delete(log);
    for (const channel of resting) this.#resting.delete(channel);
    if (keys === this.#keys) this.#keys = [];
  }

  /** Looks at what a channel holds that was appended to. */
  appendedTo(channel: ChannelName, events: number, bytes: number): void {
    const { maxEvents, maxBytes } = this.#retention;
    if (events <= maxEvents && bytes <= maxBytes) return;
    const little =
      events <= maxEvents + slack(maxEvents, SLACK.events) && bytes <= maxBytes + slack(maxBytes, SLACK.bytes);
    (little ? this.#later : this.#now).add(channel);
  }

  purged(log: number): void {
    this.#purged.add(log);
  }
}

/** What one commit did of it. */
export interface Done {
  readonly channels: ChannelName[];
  readonly logs: number[];
  readonly resting: readonly ChannelName[];
  readonly keys: readonly Key[];
}

/** An eighth, so that a channel is not looked at with every commit. */
function slack(limit: number, least: number): number {
  return Math.max(least, limit / 8);
}

function named(value: Buffer): ChannelName {
  return value.toString("latin1") as ChannelName;
}
