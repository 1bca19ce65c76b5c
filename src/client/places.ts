/**
 * Where a client is in each of its channels, whichever links its events come over. Pure. Links may overlap: what was
 * seen is dropped, and what does not follow on is found out, so that each event goes by once, in order.
 */

import { TailwireError } from "../core/errors.ts";
import { formatPosition, type Position, parsePosition } from "../core/position.ts";
import type { EventMessage, GapMessage } from "../wire/message.ts";
import { positionsOf } from "./address.ts";

/** What a subscription is given, as the wire has it. */
export type ItemMessage = EventMessage | GapMessage;

export function isGapMessage(item: ItemMessage): item is GapMessage {
  return item.type === "$gap";
}

/** The position after an item. */
export function positionOf(item: ItemMessage): Position {
  return positionAt(isGapMessage(item) ? item.next : item.id);
}

/** @throws {TailwireError} `protocol_error` */
function positionAt(text: string): Position {
  const position = parsePosition(text);
  if (position !== undefined) return position;
  throw new TailwireError("protocol_error", `${text} is no position`);
}

/** The position before an item. */
export function cursorBefore(item: ItemMessage): string {
  if (isGapMessage(item)) return item.after;
  const { epoch, offset } = positionOf(item);
  return `${epoch}:${offset - 1}`;
}

/** Whether a reader at `at` has all that one at `other` has. */
export function hasReached(at: Position, other: Position): boolean {
  return at.epoch === other.epoch && at.offset >= other.offset;
}

/**
 * What an item is to a reader: `seen` before, `next` in line, or out of line, because something is missing between.
 * @param at where the reader is
 */
export function follows(at: Position, item: ItemMessage): "seen" | "next" | "missed" {
  const position = positionOf(item);
  if (hasReached(at, position)) return "seen";
  if (isGapMessage(item)) return item.after === formatPosition(at) ? "next" : "missed";
  return at.epoch === position.epoch && at.offset + 1 === position.offset ? "next" : "missed";
}

export interface Places {
  /** What a link is to be asked for: each channel with where to begin. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Sets the channels. Those that stay keep their place. Returns the names that are new, and those gone. */
  want(channels: ReadonlyMap<string, string>): { readonly added: readonly string[]; readonly gone: readonly string[] };
  /** Gives up the channels that were never begun, where others were. Returns whether there were both. */
  giveUpNew(): boolean;
  /** Where a channel is; undefined while nothing has come of it. */
  at(channel: string): Position | undefined;
  /**
   * A link begins at this cursor.
   * @param asked what it was asked for
   * @param found is told each channel whose place is known only now
   * @throws {TailwireError} `protocol_error`; `unreachable` where it begins after what other links have found to be the
   * beginning, and is of no use
   */
  begin(asked: ReadonlyMap<string, string>, cursor: string, found: (channel: string, at: Position) => void): void;
  /**
   * An item has come.
   * @returns the item as the application is to have it, or why it is not to have it
   * @throws {TailwireError} `protocol_error` where it has no position
   */
  take(item: ItemMessage): ItemMessage | "seen" | "missed";
}

interface Place {
  readonly from: string;
  at?: Position;
}

export function createPlaces(): Places {
  let places = new Map<string, Place>();

  return {
    get wanted() {
      return new Map([...places].map(([name, { from, at }]) => [name, at === undefined ? from : formatPosition(at)]));
    },

    want(channels) {
      const old = places;
      places = new Map([...channels].map(([name, from]) => [name, old.get(name) ?? { from }]));
      return {
        added: [...places.keys()].filter((name) => !old.has(name)),
        gone: [...old.keys()].filter((name) => !places.has(name)),
      };
    },

    giveUpNew() {
      const begun = [...places].filter(([, { at }]) => at !== undefined);
      const both = begun.length > 0 && begun.length < places.size;
      if (both) places = new Map(begun);
      return both;
    },

    at: (channel) => places.get(channel)?.at,

    begin(asked, cursor, found) {
      for (const [name, text] of positionsOf(asked, cursor)) {
        const position = positionAt(text);
        const place = places.get(name);
        if (place?.at === undefined) {
          if (place === undefined) continue;
          place.at = position;
          found(name, position);
          // Asked for a position, a link begins there, or says what is missing.
        } else if (parsePosition(asked.get(name) ?? "") === undefined && !hasReached(place.at, position)) {
          throw new TailwireError("unreachable", "the link begins too late");
        }
      }
    },

    take(item) {
      const place = places.get(item.channel);
      const position = positionOf(item);
      if (place === undefined) return "seen";
      const { at } = place;
      if (at !== undefined) {
        const how = isGapMessage(item) && !hasReached(at, position) ? "next" : follows(at, item);
        if (how !== "next") return how;
      }
      place.at = position;
      return isGapMessage(item) && at !== undefined ? gapFrom(at, position, item) : item;
    },
  };
}

/** A gap as it is for one who may have got further over another link. */
function gapFrom(at: Position, next: Position, gap: GapMessage): GapMessage {
  return { ...gap, after: formatPosition(at), lost: at.epoch === next.epoch ? next.offset - at.offset : gap.lost };
}
