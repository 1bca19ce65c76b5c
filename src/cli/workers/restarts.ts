/** When a worker that has ended is replaced, and when that has no end. Pure. */

/** Ends that are longer ago do not count, in milliseconds. */
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 100;
const MOST_DELAY_MS = 5000;
/** As many waits, each twice as long as the one before; all of them together are a quarter of the window. */
const MAX_DELAYS = 8;

/**
 * How long to wait before the next worker takes the place of one that has ended. Each may end once without a wait.
 * @param endedAt when workers ended in this process's life, the newest last, in milliseconds
 * @param workers how many there are to be
 * @returns undefined where they end again and again
 */
export function restartDelayMs(endedAt: readonly number[], workers: number): number | undefined {
  const newest = endedAt.at(-1) ?? 0;
  const recent = endedAt.filter((time) => newest - time < WINDOW_MS).length;
  const delays = Math.max(0, recent - workers);
  if (delays > MAX_DELAYS) return undefined;
  return delays === 0 ? 0 : Math.min(MOST_DELAY_MS, FIRST_DELAY_MS * 2 ** (delays - 1));
}
