/** How long to wait before the next attempt. */

const FIRST_MS = 500;
const MOST_MS = 30_000;

/**
 * Full jitter: anything up to a ceiling that doubles from 0.5 s to 30 s, so that clients which lost one server
 * together do not come back together.
 * @param attempt how many have failed before this one, from 0
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.round(random() * Math.min(MOST_MS, FIRST_MS * 2 ** attempt));
}
