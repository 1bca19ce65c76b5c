/**
 * A connection's place in its channels, from history to live:
 *
 *     catching-up ──stands where the channel has delivered to──▶ live
 *         ▲                                                       │
 *         └──────────────── its sink takes no more ───────────────┘        either ──close──▶ closed
 *
 * Catching up, it reads the log by itself, at its sink's pace; live, it is a member of a group and costs one
 * write a flush. Nothing is queued for it in either: what it has not been given is in the log.
 *
 * Several channels that share one cursor are one subscription, which is live in all of them or in none.
 */

import type { Channel } from "./channel.ts";
import type { ChannelName } from "./channel-name.ts";
import type { Cursor } from "./cursor.ts";
import { type Item, positionAfter } from "./event.ts";
import { Group, type Member, type Sink } from "./group.ts";
import { type Position, samePosition } from "./position.ts";
import type { MaybePromise, Read, ReadLimit } from "./store.ts";

/** How much of each channel is read at once to catch up. */
export const CATCH_UP_LIMIT: ReadLimit = { maxEvents: 1000, maxBytes: 64 * 1024 };

/** Says that a subscription needs the channel no more. Shared by all of them: a closure each would cost 100 bytes. */
export type Release = (channel: Channel) => void;

/** A channel and how far it has been read. */
export interface Place {
  readonly channel: Channel;
  position: Position;
  /** What was read when the subscription was opened, until it is used. */
  ahead: Read | undefined;
}

/**
 * `idle`: not begun. `reading`: the store was asked. `outdated`: the same, but a channel was flushed meanwhile, so that
 * what was read may be old. `draining`: the sink takes no more. `waiting`: it has read more than was delivered to the
 * others, and goes on with them at the next flush.
 */
type State = "idle" | "reading" | "outdated" | "draining" | "waiting" | "live" | "closed";

export class Subscription implements Member {
  readonly #places: readonly Place[];
  readonly #release: Release;
  #state: State = "idle";
  #groups: readonly Group[] = [];
  #sink: Sink | undefined;

  /** @param release called once for each channel, when the subscription is closed */
  constructor(places: readonly Place[], release: Release) {
    this.#places = places;
    this.#release = release;
    for (const { channel } of places) channel.waiters.add(this);
  }

  get state(): "catching-up" | "live" | "closed" {
    if (this.#state === "live" || this.#state === "closed") return this.#state;
    return "catching-up";
  }

  get sink(): Sink {
    if (this.#sink === undefined) throw new Error("the subscription has not begun");
    return this.#sink;
  }

  /** Where it stands: all before was handed to its sink. */
  get cursor(): Cursor {
    const live = this.#state === "live";
    return new Map<ChannelName, Position>(
      this.#places.map(({ channel, position }) => [channel.name, live ? channel.delivered : position]),
    );
  }

  /** Reads on by hand, before {@link begin}: what follows, and an empty list at the head. */
  read(limit: ReadLimit): MaybePromise<readonly Item[]> {
    return this.#gather(limit);
  }

  /** Catches up, then stays live, writing to the sink. */
  begin(sink: Sink): void {
    if (this.#state !== "idle") return;
    this.#sink = sink;
    this.#pump();
  }

  /** The sink takes more again. */
  drained(): void {
    if (this.#state === "draining") this.#pump();
  }

  /** A channel was flushed. */
  flushed(): void {
    if (this.#state === "waiting") this.#pump();
    else if (this.#state === "reading") this.#state = "outdated";
  }

  lag(): void {
    if (this.#state !== "live") return;
    for (const place of this.#places) place.position = place.channel.delivered;
    this.#leaveGroups();
    this.#state = "draining";
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#leaveGroups();
    this.#stopWaiting();
    this.#state = "closed";
    for (const { channel } of this.#places) this.#release(channel);
  }

  #pump(): void {
    for (const { channel } of this.#places) channel.waiters.add(this);
    try {
      for (let more = true; more; ) {
        this.#state = "reading";
        const before = this.cursor;
        const items = this.#gather(CATCH_UP_LIMIT);
        if (items instanceof Promise) {
          this.#pumpLater(items, before);
          return;
        }
        more = this.#take(items, before);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #pumpLater(items: Promise<readonly Item[]>, before: Cursor): void {
    items.then(
      (read) => {
        if (this.#state !== "closed" && this.#take(read, before)) this.#pump();
      },
      (error) => this.#fail(error),
    );
  }

  /** Hands on what was read; true: read on. */
  #take(items: readonly Item[], before: Cursor): boolean {
    if (items.length > 0) {
      const taken = this.sink.write(this.#frame(items, before));
      if (this.#state === "closed") return false; // by its sink
      if (!taken) {
        this.#stopWaiting();
        this.#state = "draining";
      }
      return taken;
    }
    if (this.#places.every(({ channel, position }) => samePosition(position, channel.delivered))) this.#goLive();
    else if (this.#state === "outdated") return true;
    else this.#state = "waiting";
    return false;
  }

  #frame(items: readonly Item[], before: Cursor): unknown {
    const { encoding } = this.sink;
    const [place] = this.#places;
    // With several channels a frame may hang on where its reader stands in each.
    if (place === undefined || this.#places.length > 1) return encoding.encode(items, before);
    return place.channel.frames.frame(encoding.key, items, () => encoding.encode(items, before));
  }

  #goLive(): void {
    const channels = this.#places.map(({ channel }) => channel);
    const together = this.sink.encoding.carriesCursor;
    this.#groups = together ? [Group.join(channels, this)] : channels.map((channel) => Group.join([channel], this));
    this.#stopWaiting();
    this.#state = "live";
  }

  #stopWaiting(): void {
    for (const { channel } of this.#places) channel.waiters.delete(this);
  }

  #leaveGroups(): void {
    for (const group of this.#groups) group.leave(this);
    this.#groups = [];
  }

  #fail(error: unknown): void {
    if (this.#state === "closed") return;
    this.close();
    this.#sink?.fail(error);
  }

  /** What follows in all its channels; the places move on. */
  #gather(limit: ReadLimit): MaybePromise<readonly Item[]> {
    const reads = this.#places.map((place) => readPlace(place, limit));
    if (reads.some((read) => read instanceof Promise)) {
      return Promise.all(reads).then((all) => this.#places.flatMap((place, index) => advance(place, all[index] ?? [])));
    }
    return this.#places.flatMap((place, index) => advance(place, reads[index] as readonly Item[]));
  }
}

function readPlace(place: Place, limit: ReadLimit): MaybePromise<readonly Item[]> {
  const { channel, position, ahead } = place;
  place.ahead = undefined;
  if (ahead !== undefined) return itemsOf(ahead);
  if (samePosition(position, channel.delivered)) return [];
  const bridge = channel.bridge(position);
  if (bridge !== undefined) return bridge.slice(0, limit.maxEvents);
  const read = channel.read(position, limit);
  return read instanceof Promise ? read.then(itemsOf) : itemsOf(read);
}

function itemsOf(read: Read): readonly Item[] {
  return read.gap === undefined ? read.events : [read.gap, ...read.events];
}

/** Moves the place behind the items. */
function advance(place: Place, items: readonly Item[]): readonly Item[] {
  const last = items.at(-1);
  if (last !== undefined) place.position = positionAfter(last);
  return items;
}
