/**
 * `tailwire/store/disk`: logs in a folder, which outlive the process, and which several processes of one machine can
 * have open at once.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { type Cancel, type Clock, systemClock } from "../../core/clock.ts";
import type { From } from "../../core/cursor.ts";
import { TailwireError } from "../../core/errors.ts";
import type { EventInput } from "../../core/event.ts";
import { checkRetention, DEFAULT_RETENTION, type Retention } from "../../core/log.ts";
import type { Appended, Purgeable, Read, ReadLimit, Store } from "../../core/store.ts";
import { Bell } from "./bell.ts";
import { Database } from "./database.ts";
import { Followers, type Listener } from "./followers.ts";
import { readChannel } from "./read.ts";
import { Writer } from "./writer.ts";

export interface DiskStoreOptions {
  /** The folder, which is made where there is none. It belongs to the store: nothing else may be in it. */
  readonly path: string;
  /** What each channel keeps; what is left out is 1,000 events, 1 MiB, one hour. */
  readonly retention?: Partial<Retention>;
  readonly clock?: Clock;
}

/** How often it is looked for what is due, in milliseconds. */
const TIDY_MS = 10_000;

/**
 * A store on the disk. An append settles, and its event is delivered, when it is on the disk for good, so nobody sees an
 * event that a crash takes back. Epochs, offsets and idempotency keys outlive the process, and a channel's last position
 * outlives its events, for a week. Needs the package `lmdb`, and a local disk: no network file system.
 * @throws {TailwireError} `misuse` where the folder cannot be used, saying why. Appends are refused with
 * `store_unavailable` while nothing can be written, as on a full disk, and go on when it can
 */
export function diskStore(options: DiskStoreOptions): Store & Purgeable {
  if (typeof options?.path !== "string" || options.path === "")
    throw new TailwireError("misuse", 'diskStore({ path: "…" }) needs the folder to store in', { parameter: "path" });
  const retention = checkRetention({ ...DEFAULT_RETENTION, ...options.retention });
  return new DiskStore(options.path, retention, options.clock ?? systemClock);
}

class DiskStore implements Store, Purgeable {
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #database: Database;
  readonly #writer: Writer;
  readonly #followers: Followers;
  readonly #bell: Bell;
  #tidy: Cancel;
  #closed: Promise<void> | undefined;

  constructor(path: string, retention: Retention, clock: Clock) {
    this.#retention = retention;
    this.#clock = clock;
    this.#database = new Database(path, clock);
    this.#followers = new Followers(this.#database);
    this.#bell = new Bell(path, () => this.#followers.look());
    this.#writer = new Writer(this.#database, retention, clock, (changes) => {
      this.#bell.ring();
      this.#followers.committed(changes);
    });
    this.#tidy = this.#tidyLater();
    this.#writer.tidy();
  }

  append(channel: ChannelName, input: EventInput): Promise<Appended> {
    return this.#writer.append(channel, input);
  }

  read(channel: ChannelName, from: From, limit: ReadLimit): Read {
    this.#refuseWhenClosed();
    const now = this.#clock.now();
    return this.#database.read((view) => readChannel(view, channel, from, limit, this.#retention, now));
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    this.#refuseWhenClosed();
    const unfollow = this.#followers.follow(channel, listener);
    this.#bell.listen();
    return () => {
      unfollow();
      if (this.#followers.size === 0) this.#bell.unlisten();
    };
  }

  purge(channel: ChannelName): Promise<boolean> {
    return this.#writer.purge(channel);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#tidy();
    await this.#writer.close();
    this.#followers.close();
    await this.#bell.close();
    await this.#database.close();
  }

  #tidyLater(): Cancel {
    return this.#clock.after(TIDY_MS, () => {
      this.#tidy = this.#tidyLater();
      this.#writer.tidy();
    });
  }

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) throw new TailwireError("shutting_down", "the store is closed");
  }
}
