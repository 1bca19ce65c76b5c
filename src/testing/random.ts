/** Randomness that a test can repeat. */

/**
 * Numbers from 0 (included) to 1 (not), the same ones for the same seed. Fit for tests, and for nothing else.
 * The algorithm is mulberry32, by Tommy Ettinger (public domain).
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
