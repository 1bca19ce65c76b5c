/**
 * Holds publishers back where the fan-out cannot follow, so that a burst longer than the retention loses nothing for
 * those who keep up. From time to time it looks how many subscriptions are half full. Where that is most of them, it
 * is the publisher who is too quick. Where it is a few, they may have been held up for a moment, or they read too
 * slowly; the publisher's patience with them is worth half a second, and grows again by a twentieth of the time, so
 * that in the long run slow readers take no more than 5 % from the others.
 */

import type { Clock } from "./clock.ts";

/** How many subscriptions are live, and how many of them are half full. */
export interface Census {
  readonly size: number;
  readonly halfFull: number;
}

/** After so many bytes it looks. */
const LOOK_BYTES = 64 * 1024;
/** How long it waits before it looks again, and how long at most while most are half full. */
const WAIT_MS = 5;
const MAX_WAIT_MS = 100;
const PATIENCE_MS = 500;
const PATIENCE_SHARE = 0.05;

export class Pacer {
  readonly #clock: Clock;
  readonly #census: () => Census;
  #bytes = 0;
  #patienceMs = PATIENCE_MS;
  #grownAt: number;

  constructor(clock: Clock, census: () => Census) {
    this.#clock = clock;
    this.#census = census;
    this.#grownAt = clock.now();
  }

  /** Counts what was published. */
  took(bytes: number): void {
    this.#bytes += bytes;
  }

  /** What a publisher waits for before its next event. */
  paced(): Promise<void> | undefined {
    if (this.#bytes < LOOK_BYTES) return undefined;
    this.#bytes = 0;
    return this.#census().halfFull > 0 ? this.#ease() : undefined;
  }

  async #ease(): Promise<void> {
    const begun = this.#clock.now();
    for (let why = this.#why(begun); why !== undefined; why = this.#why(begun)) {
      const from = this.#clock.now();
      await new Promise<void>((resolve) => void this.#clock.after(WAIT_MS, resolve));
      // What was really waited: where there is much to do, timers are late.
      if (why === "a few") this.#patienceMs -= this.#clock.now() - from;
    }
  }

  /** Who has to be waited for, if anybody. */
  #why(begun: number): "most" | "a few" | undefined {
    const now = this.#clock.now();
    const { size, halfFull } = this.#census();
    if (halfFull === 0) return undefined;
    if (halfFull * 2 > size) return now - begun < MAX_WAIT_MS ? "most" : undefined;
    this.#patienceMs = Math.min(PATIENCE_MS, this.#patienceMs + (now - this.#grownAt) * PATIENCE_SHARE);
    this.#grownAt = now;
    return this.#patienceMs < WAIT_MS ? undefined : "a few";
  }
}
