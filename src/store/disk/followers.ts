/**
 * Who follows which channels here, and what they have been told. What this process has committed is told from memory;
 * what others have is looked up: the commits name the channels that they appended to, and of each that is followed the
 * events after the last that was told are read.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { systemClock } from "../../core/clock.ts";
import type { ChannelEvent } from "../../core/event.ts";
import type { Position } from "../../core/position.ts";
import type { ReadLimit } from "../../core/store.ts";
import type { Changes } from "./commit.ts";
import type { Database } from "./database.ts";
import { commitKey } from "./keys.ts";
import { headOf, readAfter } from "./read.ts";
import { decodeNames } from "./values.ts";
import { readRecord, readState, type View } from "./view.ts";

export type Listener = (event: ChannelEvent) => void;

/** What is told of one channel in one turn, before others have theirs. */
const TURN_LIMIT: ReadLimit = { maxEvents: 1000, maxBytes: 1024 * 1024 };

interface Followed {
  readonly listeners: Set<Listener>;
  /** The last event that they were told of. */
  told: Position;
}

export class Followers {
  readonly #database: Database;
  readonly #followed = new Map<ChannelName, Followed>();
  /** The last commit that was looked at. */
  #seen = 0;
  /** Channels that have more than was told in the last turn. */
  readonly #behind = new Set<ChannelName>();
  #turn: "none" | "waiting" | "closed" = "none";

  constructor(database: Database) {
    this.#database = database;
  }

  get size(): number {
    return this.#followed.size;
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    const followed = this.#followed.get(channel) ?? this.#begin(channel);
    const own: Listener = (event) => listener(event); // the same listener may follow twice
    followed.listeners.add(own);
    return () => {
      followed.listeners.delete(own);
      if (followed.listeners.size === 0 && this.#followed.get(channel) === followed) this.#followed.delete(channel);
    };
  }

  /** Tells of what was committed here. */
  committed({ events, commit }: Changes): void {
    if (this.#followed.size === 0 || commit <= this.#seen) return;
    if (commit > this.#seen + 1) {
      this.look(); // others have committed before
      return;
    }
    this.#seen = commit;
    for (const event of events) this.#tellNew(event);
  }

  /** Tells of what others have committed. */
  look(): void {
    if (this.#followed.size === 0) return;
    this.#try((view) => {
      const { commits } = readState(view);
      if (commits === this.#seen) return;
      for (const channel of this.#appendedTo(view, commits)) this.#behind.add(channel);
      this.#seen = commits;
      this.#tellBehind(view);
    });
  }

  close(): void {
    this.#turn = "closed";
    this.#followed.clear();
  }

  #begin(channel: ChannelName): Followed {
    return this.#database.read((view) => {
      if (this.#followed.size === 0) this.#seen = readState(view).commits;
      const followed = { listeners: new Set<Listener>(), told: headOf(view, readRecord(view, channel)) };
      this.#followed.set(channel, followed);
      return followed;
    });
  }

  /** The followed channels that were appended to since the last look; all, where that is not known any more. */
  #appendedTo(view: View, commits: number): Iterable<ChannelName> {
    const channels = new Set<ChannelName>();
    for (let commit = this.#seen + 1; commit <= commits; commit += 1) {
      const names = view.get(commitKey(commit));
      if (names === undefined) return this.#followed.keys();
      for (const name of decodeNames(names)) if (this.#followed.has(name)) channels.add(name);
    }
    return channels;
  }

  #tellBehind(view: View): void {
    for (const channel of [...this.#behind]) {
      if (this.#tellNext(view, channel)) this.#behind.delete(channel);
    }
    if (this.#behind.size === 0 || this.#turn !== "none") return;
    this.#turn = "waiting";
    systemClock.soon(() => this.#nextTurn());
  }

  #nextTurn(): void {
    if (this.#turn === "closed") return;
    this.#turn = "none";
    this.#try((view) => this.#tellBehind(view));
  }

  /** What cannot be read now is read at the next look; those who read or append are told why. */
  #try(run: (view: View) => void): void {
    try {
      this.#database.read(run);
    } catch {}
  }

  /** Tells of a turn's worth of events; true where there are no more. */
  #tellNext(view: View, channel: ChannelName): boolean {
    const followed = this.#followed.get(channel);
    const record = readRecord(view, channel);
    if (followed === undefined || record === undefined) return true;
    const { epoch, offset } = followed.told;
    // Of what was deleted meanwhile, nobody can be told: the hub sees the hole, and says so.
    const after = epoch === record.epoch ? Math.max(offset, record.trimmed) : record.trimmed;
    const events = readAfter(view, channel, record, after, TURN_LIMIT);
    for (const event of events) tell(followed, event);
    return events.at(-1)?.position.offset === record.newest || after >= record.newest;
  }

  #tellNew(event: ChannelEvent): void {
    const followed = this.#followed.get(event.channel);
    if (followed === undefined) return;
    const { epoch, offset } = event.position;
    const { told } = followed;
    const next = epoch === told.epoch ? told.offset + 1 : 1;
    if (offset === next) tell(followed, event);
  }
}

function tell(followed: Followed, event: ChannelEvent): void {
  followed.told = event.position;
  for (const listener of followed.listeners) {
    try {
      listener(event);
    } catch (error) {
      // Its fault, and not that of the append, which stands.
      systemClock.soon(() => {
        throw error;
      });
    }
  }
}
