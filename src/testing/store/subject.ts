/** What the store suite is given, and what its cases work with. */

import assert from "node:assert/strict";
import { type ChannelName, parseChannelName } from "../../core/channel-name.ts";
import type { From } from "../../core/cursor.ts";
import type { ChannelEvent, Data, EventInput } from "../../core/event.ts";
import type { Retention } from "../../core/log.ts";
import type { Position } from "../../core/position.ts";
import {
  type Appended,
  isPurgeable,
  type MaybePromise,
  type Read,
  type ReadLimit,
  type Store,
} from "../../core/store.ts";
import { eventually } from "../waiting.ts";

/** What the cases need beside the contract; those that need what a store does not have are left out. */
export type StoreAbility =
  | "advance" // its clock can be moved, see StoreUnderTest.advance
  | "purge" // it is Purgeable
  | "join"; // other nodes can open the same logs, see StoreUnderTest.join

/** What a store is made with. */
export interface StoreSettings {
  /** What it keeps of each channel; what is left out is the store's default, which is above what the cases append. */
  readonly retention?: Partial<Retention>;
}

/** A store of its own for one case, with nothing in it. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Moves the store's clock on by so many milliseconds, and lets it do what is due. */
  advance?(ms: number): MaybePromise<void>;
  /** Opens the same logs once more, as another node would. */
  join?(): MaybePromise<Store>;
  /** Ends it, and frees what it wrote. */
  close(): MaybePromise<void>;
}

export type MakeStore = (settings: StoreSettings) => MaybePromise<StoreUnderTest>;

/** A case, before it has a store. */
export interface StoreCase {
  readonly name: string;
  readonly needs?: readonly StoreAbility[];
  readonly settings?: StoreSettings;
  run(subject: Subject): Promise<void>;
}

/** All that there is, for logs as small as those of the cases. */
const ALL: ReadLimit = { maxEvents: 100_000, maxBytes: 256 * 1024 * 1024 };
export const EARLIEST: From = { kind: "earliest" };
export const NOW: From = { kind: "now" };

export function after(position: Position): From {
  return { kind: "after", position };
}

export function last(count: number): From {
  return { kind: "last", count };
}

export type Words = Partial<Omit<EventInput, "data">>;

/** A follower, and what it was told. */
export interface Followed {
  readonly events: readonly ChannelEvent[];
  unfollow(): void;
}

/** A store with the words of the cases: channels by their text, data as text or as it is. */
export class Subject {
  readonly store: Store;
  readonly #made: StoreUnderTest;

  constructor(made: StoreUnderTest, store = made.store) {
    this.#made = made;
    this.store = store;
  }

  async append(channel: string, data: string | Data, words: Words = {}): Promise<Appended> {
    return this.store.append(parseChannelName(channel), inputOf(data, words));
  }

  /** Appends `1`, `2`, `3` … one after the other; gives where they stand. */
  async appendMany(channel: string, count: number, text: (n: number) => string = String): Promise<readonly Position[]> {
    const positions: Position[] = [];
    for (let n = 1; n <= count; n += 1) positions.push((await this.append(channel, text(n))).position);
    return positions;
  }

  async read(channel: string, from: From, limit: Partial<ReadLimit> = {}): Promise<Read> {
    const read = await this.store.read(parseChannelName(channel), from, { ...ALL, ...limit });
    assertCoherent(read, parseChannelName(channel));
    return read;
  }

  /** Follows; once it settles, a read has been answered that began later. */
  async follow(channel: string): Promise<Followed> {
    const followed = this.followNow(channel);
    await this.read(channel, NOW);
    return followed;
  }

  followNow(channel: string): Followed {
    const events: ChannelEvent[] = [];
    const unfollow = this.store.follow(parseChannelName(channel), (event) => void events.push(event));
    return { events, unfollow };
  }

  async advance(ms: number): Promise<void> {
    if (this.#made.advance === undefined) throw new Error('the suite was promised the ability "advance"');
    await this.#made.advance(ms);
  }

  async purge(channel: string): Promise<boolean> {
    if (!isPurgeable(this.store)) throw new Error('the suite was promised the ability "purge"');
    return this.store.purge(parseChannelName(channel));
  }

  async join(): Promise<Subject> {
    if (this.#made.join === undefined) throw new Error('the suite was promised the ability "join"');
    return new Subject(this.#made, await this.#made.join());
  }
}

/** Waits until a follower was told of so many events. */
export async function toldOf(followed: Followed, count: number): Promise<void> {
  await eventually(`a follower is told of ${count} events`, () => followed.events.length >= count);
}

function inputOf(data: string | Data, words: Words = {}): EventInput {
  return {
    data: typeof data === "string" ? { kind: "text", text: data } : data,
    type: words.type ?? "message",
    key: words.key,
    idempotencyKey: words.idempotencyKey,
  };
}

/** The texts of events. */
export function texts(events: readonly ChannelEvent[]): readonly string[] {
  return events.map(({ data }) => (data.kind === "binary" ? Buffer.from(data.bytes).toString("hex") : data.text));
}

/** `from`, `from + 1`, … `to`, as appendMany writes them. */
export function counted(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

/** What holds for every answer to a read: no hole, no event of another log, a gap that fits. */
function assertCoherent({ start, gap, events, head }: Read, channel: ChannelName): void {
  let position = start;
  if (gap !== undefined) {
    assert.equal(gap.channel, channel, "a gap names its channel");
    assert.deepEqual(gap.after, start, "with a gap, the read starts at the gap's after");
    position = gap.next;
    if (gap.reason === "trimmed") {
      assert.equal(gap.next.epoch, gap.after.epoch, "what was trimmed is of one epoch");
      assert.equal(gap.lost, gap.next.offset - gap.after.offset, "lost is how many events are between after and next");
      assert.ok((gap.lost ?? 0) > 0, "a gap is of at least one event");
    } else {
      assert.notEqual(gap.next.epoch, gap.after.epoch, "another epoch is another one");
      assert.equal(gap.lost, null, "nobody knows how many events an epoch had");
    }
  }
  for (const event of events) {
    assert.equal(event.channel, channel, "an event is of its channel");
    assert.deepEqual(event.position, { epoch: position.epoch, offset: position.offset + 1 }, "there is no hole");
    position = event.position;
  }
  if (events.length === 0) return;
  assert.equal(position.epoch, head.epoch, "events are of the head's epoch");
  assert.ok(position.offset <= head.offset, "no event stands after the head");
}
