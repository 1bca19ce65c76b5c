/**
 * One subscription's place in one channel. What the client's feed brings is handed on from there; what is missing
 * between the two (it asked for older events, it could not keep up, its tab was frozen) comes from a session of its
 * own, which ends when it has reached the feed.
 *
 *   opening -- the feed begins --> live <---- reached the feed ----.
 *      |                            |                              |
 *      '---- other from ------> catching-up <-- something missing -+-- pause() --> paused
 */

import { formatPosition, type Position } from "../core/position.ts";
import type { Feed, FeedListener } from "./feed.ts";
import { follows, hasReached, type ItemMessage, positionOf } from "./places.ts";

export interface Reader {
  readonly channel: string;
  readonly from: string;
  readonly closed: boolean;
  /** The feed begins, or is found to be, at this position. */
  begin(at: Position, from: string | undefined): void;
  /** The feed brings an item. */
  item(item: ItemMessage): void;
  /** Nothing is handed on until {@link Reader.resume}, which goes on from the same place. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface ReaderOptions {
  readonly channel: string;
  readonly from: string;
  deliver(item: ItemMessage): void;
  /** Where the client's feed is in the channel. */
  feedAt(): Position | undefined;
  /** Begins a session of its own, which wants nothing yet. */
  catchUp(listener: Pick<FeedListener, "begin" | "item">): Feed;
}

export function createReader({ channel, from, deliver, feedAt, catchUp }: ReaderOptions): Reader {
  let state: "opening" | "catching-up" | "live" | "paused" | "closed" = "opening";
  let at: Position | undefined;
  let own: Feed | undefined;

  function fetchFrom(start: string): void {
    state = "catching-up";
    own = catchUp({
      begin(_channel, position) {
        at ??= position;
        join();
      },
      item(item) {
        if (state === "catching-up") hand(item);
        join();
      },
    });
    own.want(new Map([[channel, start]]));
  }

  function hand(item: ItemMessage): void {
    at = positionOf(item);
    deliver(item);
  }

  /** Goes over to the feed, once it has all that the feed has. */
  function join(): void {
    const live = feedAt();
    if (state !== "catching-up" || at === undefined || live === undefined || !hasReached(at, live)) return;
    leave("live");
  }

  function leave(next: "live" | "paused" | "closed"): void {
    state = next;
    own?.close();
    own = undefined;
  }

  return {
    channel,
    from,

    get closed() {
      return state === "closed";
    },

    begin(position, asked) {
      if (state === "catching-up") return join();
      if (state === "paused" || state === "closed") return;
      state = "live";
      if (at === undefined && (from === (asked ?? "now") || from === formatPosition(position))) at = position;
      else if (at === undefined || !hasReached(at, position)) fetchFrom(at === undefined ? from : formatPosition(at));
    },

    item(item) {
      if (state === "catching-up") return join();
      if (state !== "live" || at === undefined) return;
      const how = follows(at, item);
      if (how === "next") hand(item);
      else if (how === "missed") fetchFrom(formatPosition(at));
    },

    pause: () => leave("paused"),

    resume() {
      if (state !== "paused") return;
      if (at === undefined) state = "opening";
      else fetchFrom(formatPosition(at));
    },

    close: () => leave("closed"),
  };
}
