/**
 * When channels are flushed. A channel that was quiet goes as soon as what is ready to be read has been read;
 * one that has just been flushed waits for the window, so that a busy channel pays one write a subscriber for
 * all that came in a window, and an idle one no delay at all.
 */

import type { Cancel, Clock } from "./clock.ts";

/** What can be flushed. */
export interface Flushable {
  /** When the last flush ended, in milliseconds; set by the flusher. */
  flushedAt: number;
  flush(): void;
}

export class Flusher {
  readonly #clock: Clock;
  readonly #flushMs: number;
  /** Marked, and quiet before: flushed at the end of this turn. */
  #next = new Set<Flushable>();
  /** Marked, and flushed less than a window ago: flushed when the window ends. */
  #later = new Set<Flushable>();
  #window: Cancel | undefined;

  constructor(clock: Clock, flushMs: number) {
    this.#clock = clock;
    this.#flushMs = flushMs;
  }

  /** Sees to it that the channel is flushed. Marking it again before then costs two look-ups. */
  mark(channel: Flushable): void {
    if (this.#next.has(channel) || this.#later.has(channel)) return;
    if (this.#clock.now() - channel.flushedAt >= this.#flushMs) {
      if (this.#next.size === 0) this.#clock.soon(() => this.#flushNext());
      this.#next.add(channel);
    } else {
      this.#window ??= this.#clock.after(this.#flushMs, () => this.#flushLater());
      this.#later.add(channel);
    }
  }

  /** Flushes all that is marked, now. */
  flushAll(): void {
    this.#flushNext();
    this.#flushLater();
  }

  #flushNext(): void {
    const due = this.#next;
    this.#next = new Set();
    this.#flush(due);
  }

  #flushLater(): void {
    this.#window?.();
    this.#window = undefined;
    const due = this.#later;
    this.#later = new Set();
    this.#flush(due);
  }

  #flush(channels: Iterable<Flushable>): void {
    for (const channel of channels) {
      channel.flush();
      channel.flushedAt = this.#clock.now();
    }
  }
}
