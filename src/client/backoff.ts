/** How long a client waits before it comes back, and the clock that it runs on. */

import type { Clock } from "../core/clock.ts";

const FIRST_MS = 500;
const MOST_MS = 30_000;
/** A timer of more would be over at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Full jitter: anything up to a ceiling that doubles from 0.5 s to 30 s, so that clients which lost one server
 * together do not come back together.
 * @param attempt how many have failed before this one, from 0
 * @param random from 0 (included) to 1 (not)
 * @returns milliseconds
 */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(MOST_MS, FIRST_MS * 2 ** attempt));
}

/** What of a clock a client needs. */
export type ClientClock = Pick<Clock, "now" | "after" | "random">;

/** The real time. Unlike the server's its timers keep a Node process alive: a client that waits is not done. */
export const realClock: ClientClock = {
  now: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_MS));
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
