/**
 * Frames of those who catch up. When many are cut at once they come back to the same place and need the same bytes: the
 * first of them has the frame made, the others find it here. Held for a moment, and not many.
 */

import type { Cancel, Clock } from "./clock.ts";
import { eventBytes, type Item, isGap, positionAfter } from "./event.ts";
import { formatPosition } from "./position.ts";

/** How long frames are held after the first of them was made, in milliseconds. */
const HOLD_MS = 1000;
/** How many are held; the oldest goes first. */
const MAX_FRAMES = 64;
/** Bytes of events past which a frame is not held. */
const MAX_BYTES = 64 * 1024;

export class FrameCache {
  readonly #clock: Clock;
  readonly #frames = new Map<string, unknown>();
  #expiry: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The frame of items that follow each other in one channel, made now or before.
   * @param key of the encoding
   */
  frame<Frame>(key: string, items: readonly Item[], make: () => Frame): Frame {
    const name = nameOf(key, items);
    if (name === undefined) return make();
    const held = this.#frames.get(name) as Frame | undefined;
    return held ?? this.#hold(name, make());
  }

  /** Lets go of all. */
  clear(): void {
    this.#expiry?.();
    this.#expiry = undefined;
    this.#frames.clear();
  }

  #hold<Frame>(name: string, frame: Frame): Frame {
    const [oldest] = this.#frames.keys();
    if (oldest !== undefined && this.#frames.size === MAX_FRAMES) this.#frames.delete(oldest);
    this.#frames.set(name, frame);
    this.#expiry ??= this.#clock.after(HOLD_MS, () => this.clear());
    return frame;
  }
}

/** Names the items by the first and the last of them; undefined where they are too large to be held, or have a gap. */
function nameOf(key: string, items: readonly Item[]): string | undefined {
  let bytes = 0;
  for (const item of items) {
    if (isGap(item)) return undefined;
    bytes += eventBytes(item);
  }
  const [first] = items;
  const last = items.at(-1);
  if (first === undefined || last === undefined || bytes > MAX_BYTES) return undefined;
  return `${key} ${first.channel} ${formatPosition(positionAfter(first))} ${formatPosition(positionAfter(last))}`;
}
