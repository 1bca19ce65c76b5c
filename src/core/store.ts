/**
 * The store contract: where logs live, and how nodes learn of appends. A store that has its logs in memory
 * answers at once; one that has to ask answers with a promise. Every store passes `storeSuite` of
 * `tailwire/testing`.
 */

import type { ChannelName } from "./channel-name.ts";
import type { From } from "./cursor.ts";
import type { ChannelEvent, EventInput, Gap } from "./event.ts";
import type { Position } from "./position.ts";

export type MaybePromise<T> = T | Promise<T>;

/** The answer to an append. */
export interface Appended {
  /** Where the event stands. */
  readonly position: Position;
  /** Whether the idempotency key was known, so that no second event was made. */
  readonly duplicate: boolean;
}

/** How much one read may bring. At least one event comes where there is one and maxEvents is not 0. */
export interface ReadLimit {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/** The answer to a read. */
export interface Read {
  /** Where `from` is: the position before the first of the events. With a gap, the gap's `after`. */
  readonly start: Position;
  /** Set when what follows `start` is no longer there; the events go on from its `next`. */
  readonly gap: Gap | undefined;
  /** What follows, in order, without a hole, from the start or the gap's next. */
  readonly events: readonly ChannelEvent[];
  /** The newest event's position; offset 0 in a log that has had none. */
  readonly head: Position;
}

export interface Store {
  /** Settles when the event is as durable as the store promises. Appends of one channel keep their order. */
  append(channel: ChannelName, input: EventInput): MaybePromise<Appended>;
  /**
   * Reads on from a place in the log. A position of another epoch, or one that retention has passed, gives a
   * gap; a position after the head, of the same epoch, gives no gap and no events. The hub also reads of `$ready`, a
   * channel that has no events and no other use, to learn whether the store is there.
   */
  read(channel: ChannelName, from: From, limit: ReadLimit): MaybePromise<Read>;
  /** Calls the listener with every append by any node, in order, until the returned function is called. */
  follow(channel: ChannelName, listener: (event: ChannelEvent) => void): () => void;
  /** Frees what the store holds open. */
  close?(): MaybePromise<void>;
}

/** A store that can drop a log. */
export interface Purgeable {
  /** Drops the log; the next event begins a new epoch. False where there was nothing to drop. */
  purge(channel: ChannelName): MaybePromise<boolean>;
}

export function isPurgeable(store: Store): store is Store & Purgeable {
  return "purge" in store;
}

/** A store that can be away, such as one at the other end of a network. */
export interface Watched {
  /**
   * Settles when the store answers now.
   * @throws {TailwireError} `store_unavailable` where it does not, `misuse` where no waiting helps: the message says why
   */
  ready(): MaybePromise<void>;
}

export function isWatched(store: Store): store is Store & Watched {
  return "ready" in store;
}
