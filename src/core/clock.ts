/** Time, timers and randomness, in one place, so that tests move them by hand. */

/** Ends a timer; does nothing when it has run or was ended before. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs once after at least `ms` milliseconds. Does not keep the process alive. */
  after(ms: number, run: () => void): Cancel;
  /** Runs once, as soon as what is ready to be read now has been read. */
  soon(run: () => void): void;
  /** From 0 (included) to 1 (not). */
  random(): number;
}

/** The real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer: unknown = setTimeout(run, ms);
    if (typeof timer === "object") (timer as { unref(): void }).unref();
    return () => clearTimeout(timer as number);
  },
  // In Node, setImmediate runs when this turn's sockets have been read, so that all the publishes that
  // came in together go out together.
  soon: typeof setImmediate === "function" ? (run) => void setImmediate(run) : (run) => void setTimeout(run, 0),
  random: () => Math.random(),
};

/** Draws a new epoch: 8 of `a-z 0-9`. */
export function newEpoch(clock: Pick<Clock, "random">): string {
  let epoch = "";
  while (epoch.length < 8) epoch += Math.floor(clock.random() * 36).toString(36);
  return epoch;
}
