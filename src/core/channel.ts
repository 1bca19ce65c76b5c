/**
 * A channel that has subscriptions on this node: follows its log, holds what has not been flushed, and hands
 * it to the groups. Made on the first subscription and freed on the last, so that a node follows only what
 * somebody here reads.
 *
 *     store ──follow──▶ take ──▶ pending ──flush──▶ groups (live)
 *       ▲                │ hole                └──▶ recent, from which those who catch up step over
 *       └──── read ◀── sync
 */

import type { ChannelName } from "./channel-name.ts";
import type { Clock } from "./clock.ts";
import { type ChannelEvent, eventBytes, type Item, isGap, positionAfter } from "./event.ts";
import type { Flusher } from "./flusher.ts";
import type { FrameCache } from "./frame-cache.ts";
import type { Group, GroupHome } from "./group.ts";
import { type Census, Pacer } from "./pacer.ts";
import { type Position, samePosition } from "./position.ts";
import type { MaybePromise, Read, ReadLimit, Store } from "./store.ts";

/** Somebody who reads past what has been delivered, and goes on at the next flush. */
export interface Waiter {
  flushed(): void;
}

/** How much is read at once to fill a hole. */
const SYNC_LIMIT: ReadLimit = { maxEvents: 1000, maxBytes: 1024 * 1024 };
/** How much that is flushed is held for those who catch up; the last flush is held whole in any case. */
const RECENT_LIMIT: ReadLimit = { maxEvents: 1000, maxBytes: 256 * 1024 };
/** How much data one frame holds: a longer flush is cut, for a program that publishes without waiting has no end. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Bytes that wait for a flush past which publishers wait for it too. */
const MAX_PENDING_BYTES = 256 * 1024;
/** How long after a failed read the store is asked again, in milliseconds. */
const RETRY_MS = 1000;

export class Channel implements GroupHome {
  readonly name: ChannelName;
  readonly groups = new Map<string, Group>();
  /** Of those who catch up. */
  readonly frames: FrameCache;
  /** Those who are reading; while there are any, flushed items are held for them. */
  readonly waiters = new Set<Waiter>();
  /** How many subscriptions there are. */
  users = 0;
  /** When it was last flushed. */
  flushedAt = Number.NEGATIVE_INFINITY;

  readonly #store: Store;
  readonly #flusher: Flusher;
  readonly #clock: Clock;
  readonly #unfollow: () => void;
  readonly #pacer: Pacer;
  /** `syncing`: a read is under way that says what to go on from, and what comes meanwhile is held. */
  #state: "syncing" | "open" | "closed" = "syncing";
  #held: ChannelEvent[] = [];
  #pending: Item[] = [];
  #pendingBytes = 0;
  #recent: Item[] = [];
  #head: Position = { epoch: "", offset: 0 };
  #delivered: Position = this.#head;
  #whenFlushed: (() => void)[] = [];
  #whenOpen: (() => void)[] = [];

  constructor(name: ChannelName, store: Store, flusher: Flusher, frames: FrameCache, clock: Clock) {
    this.name = name;
    this.frames = frames;
    this.#store = store;
    this.#flusher = flusher;
    this.#clock = clock;
    this.#pacer = new Pacer(clock, () => this.#census());
    this.#unfollow = store.follow(name, (event) => this.#take(event));
    this.#sync(() => store.read(name, { kind: "now" }, { maxEvents: 0, maxBytes: 0 }));
  }

  get delivered(): Position {
    return this.#delivered;
  }

  /** Settles once it is known where the channel stands: at once where the store answers at once. */
  opened(): MaybePromise<void> {
    if (this.#state !== "syncing") return;
    return new Promise((resolve) => this.#whenOpen.push(resolve));
  }

  /** What a publisher waits for before its next event: the flush where too much is pending, or the pacer. */
  paced(): Promise<void> | undefined {
    if (this.#pendingBytes > MAX_PENDING_BYTES) return new Promise((resolve) => this.#whenFlushed.push(resolve));
    return this.#pacer.paced();
  }

  read(after: Position, limit: ReadLimit): MaybePromise<Read> {
    return this.#store.read(this.name, { kind: "after", position: after }, limit);
  }

  /** The items between a position and what has been delivered, if they are still held here. */
  bridge(after: Position): readonly Item[] | undefined {
    const index = this.#recent.findIndex((item) => !isGap(item) && item.position.offset === after.offset + 1);
    const item = this.#recent[index];
    if (item === undefined || isGap(item) || item.position.epoch !== after.epoch) return undefined;
    return this.#recent.slice(index);
  }

  /** Hands all that is pending to the groups. */
  flush(): void {
    const items = this.#pending;
    if (items.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const part of partsOf(items)) this.#deliver(part);
    this.#settleFlush();
  }

  close(): void {
    this.#state = "closed";
    this.#unfollow();
    this.#pending = [];
    this.#settleFlush();
    this.#settleOpen();
  }

  #take(event: ChannelEvent): void {
    if (this.#state === "syncing") {
      if (this.#held.length === SYNC_LIMIT.maxEvents) this.#held = []; // the next one shows the hole, and it is read
      this.#held.push(event);
      return;
    }
    const { epoch, offset } = event.position;
    if (epoch === this.#head.epoch && offset <= this.#head.offset) return;
    if (epoch === this.#head.epoch && offset === this.#head.offset + 1) this.#add(event);
    else this.#sync(() => this.read(this.#head, SYNC_LIMIT));
  }

  #add(item: Item): void {
    this.#pending.push(item);
    this.#pendingBytes += bytesOf(item);
    this.#pacer.took(bytesOf(item));
    this.#head = positionAfter(item);
    this.#flusher.mark(this);
  }

  #sync(read: () => MaybePromise<Read>): void {
    this.#state = "syncing";
    this.#held = [];
    try {
      const answer = read();
      if (answer instanceof Promise)
        answer.then(
          (value) => this.#synced(value),
          () => this.#syncLater(read),
        );
      else this.#synced(answer);
    } catch {
      this.#syncLater(read);
    }
  }

  #syncLater(read: () => MaybePromise<Read>): void {
    this.#clock.after(RETRY_MS, () => this.#state === "syncing" && this.#sync(read));
  }

  #synced(read: Read): void {
    if (this.#state === "closed") return;
    if (this.#head.epoch === "") this.#head = this.#delivered = read.head;
    if (read.gap !== undefined) this.#add(read.gap);
    for (const event of read.events) this.#add(event);
    if (!samePosition(this.#head, read.head)) {
      this.#sync(() => this.read(this.#head, SYNC_LIMIT));
      return;
    }
    const held = this.#held;
    this.#held = [];
    this.#state = "open";
    for (const event of held) this.#take(event);
    this.#settleOpen();
  }

  #deliver(items: readonly Item[]): void {
    this.#delivered = positionAfter(items.at(-1) as Item);
    this.#remember(items);
    for (const group of this.groups.values()) group.deliver(this, items);
    for (const waiter of this.waiters) waiter.flushed();
  }

  #remember(items: readonly Item[]): void {
    if (this.waiters.size === 0) {
      this.#recent = [];
      return;
    }
    const all = [...this.#recent, ...items];
    let first = all.length - items.length;
    let bytes = items.reduce((sum, item) => sum + bytesOf(item), 0);
    for (let item = all[first - 1]; item !== undefined; item = all[first - 1]) {
      bytes += bytesOf(item);
      if (bytes > RECENT_LIMIT.maxBytes || all.length - first >= RECENT_LIMIT.maxEvents) break;
      first -= 1;
    }
    this.#recent = all.slice(Math.max(first, all.findLastIndex(isGap) + 1));
  }

  #census(): Census {
    let size = 0;
    let halfFull = 0;
    for (const group of this.groups.values()) {
      size += group.size;
      halfFull += group.countHalfFull();
    }
    return { size, halfFull };
  }

  #settleFlush(): void {
    const waiting = this.#whenFlushed;
    if (waiting.length === 0) return;
    this.#whenFlushed = [];
    this.#clock.soon(() => {
      for (const resolve of waiting) resolve();
    });
  }

  #settleOpen(): void {
    const waiting = this.#whenOpen;
    this.#whenOpen = [];
    for (const resolve of waiting) resolve();
  }
}

/** What one frame holds at most; nearly always all of a flush. At least one item comes in each part. */
function* partsOf(items: readonly Item[]): Generator<readonly Item[]> {
  let first = 0;
  let bytes = 0;
  for (let index = 0; index < items.length; index += 1) {
    bytes += bytesOf(items[index] as Item);
    if (bytes <= MAX_FRAME_BYTES || index === first) continue;
    yield items.slice(first, index);
    first = index;
    bytes = bytesOf(items[index] as Item);
  }
  yield first === 0 ? items : items.slice(first);
}

function bytesOf(item: Item): number {
  return isGap(item) ? 0 : eventBytes(item);
}
