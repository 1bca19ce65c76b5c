/** Time moved by hand: what is to happen in an hour happens when the test says so, and always in the same order. */

import type { Cancel, Clock } from "../core/clock.ts";
import { TailwireError } from "../core/errors.ts";
import { seededRandom } from "./random.ts";
import { turn } from "./waiting.ts";

export interface ManualClockOptions {
  /** The time to begin at, in milliseconds since 1970 (1,790,000,000,000, in September 2026). */
  readonly now?: number;
  /** What the random numbers hang on (1). */
  readonly seed?: number;
}

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/** Callbacks that one move may run, so that those which call for each other without end are found. */
const MAX_RUNS = 1_000_000;

/**
 * A {@link Clock} that stands still until it is moved:
 *
 *     const clock = new ManualClock();
 *     const hub = createHub({ clock });
 *     …
 *     clock.settle();        // what was to run `soon` has run: publishes are flushed
 *     clock.advance(15_000); // every timer of these 15 s has run, in order, each at its own time
 *
 * Nothing runs but inside `advance` and `settle` and their asynchronous forms, so a test sees each step. A
 * callback that throws ends the move with its error, and the clock stands where it was thrown.
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #random: () => number;
  /** By due time; those due at the same time in the order they were set. */
  readonly #timers: Timer[] = [];
  readonly #soon: (() => void)[] = [];
  #moving = false;

  constructor({ now = 1_790_000_000_000, seed = 1 }: ManualClockOptions = {}) {
    this.#now = now;
    this.#random = seededRandom(seed);
  }

  /** How many timers are set: what holds a timer for ever can be found by this. */
  get timers(): number {
    return this.#timers.length;
  }

  /** How many callbacks wait to run `soon`. */
  get waiting(): number {
    return this.#soon.length;
  }

  now(): number {
    return this.#now;
  }

  /** Runs when the clock has been advanced by `ms`; by 0 or less, at the next move. */
  after(ms: number, run: () => void): Cancel {
    const timer = { due: this.#now + Math.max(0, ms), run };
    const index = this.#timers.findIndex(({ due }) => due > timer.due);
    this.#timers.splice(index < 0 ? this.#timers.length : index, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  /** Runs at the next {@link settle}, or at the next move of time, before any timer. */
  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** The same numbers for the same seed. */
  random(): number {
    return this.#random();
  }

  /**
   * Runs what waits to run `soon`, in order, and what that asks to run `soon` in its turn. Time stands still.
   * @throws {TailwireError} `misuse` from inside a callback of this clock, or when the callbacks never end
   */
  settle(): void {
    this.#move(() => this.#settle({ runs: 0 }));
  }

  /**
   * Moves time on. Each timer that is due by then runs at its own time, and after each what is to run `soon`;
   * timers that are set meanwhile run too, if they are due.
   * @throws {TailwireError} `misuse` for a time that is no number of at least 0, and as {@link settle}
   */
  advance(ms: number): void {
    const target = this.#target(ms);
    this.#move(() => {
      const budget = { runs: 0 };
      this.#settle(budget);
      while (this.#runNext(target, budget)) this.#settle(budget);
      this.#now = target;
    });
  }

  /** {@link settle}, for code with promises: goes on until neither callbacks nor settled promises call for more. */
  async settleAsync(): Promise<void> {
    do {
      this.settle();
      await turn();
    } while (this.#soon.length > 0);
  }

  /** {@link advance}, for code with promises: after each timer, what waits on promises goes on before time does. */
  async advanceAsync(ms: number): Promise<void> {
    const target = this.#target(ms);
    const budget = { runs: 0 };
    await this.settleAsync();
    for (let more = true; more; ) {
      this.#move(() => {
        more = this.#runNext(target, budget);
      });
      await this.settleAsync();
    }
    this.#now = Math.max(this.#now, target);
  }

  #target(ms: number): number {
    if (ms >= 0 && ms < Number.POSITIVE_INFINITY) return this.#now + ms;
    throw new TailwireError("misuse", `time goes on by a number of milliseconds of at least 0, not by ${ms}`);
  }

  #move(move: () => void): void {
    if (this.#moving) throw new TailwireError("misuse", "a callback of the clock may not move the clock");
    this.#moving = true;
    try {
      move();
    } finally {
      this.#moving = false;
    }
  }

  /** One by one, so that those behind a callback that throws are still there. */
  #settle(budget: { runs: number }): void {
    for (let run = this.#soon.shift(); run !== undefined; run = this.#soon.shift()) {
      count(budget);
      run();
    }
  }

  /** Runs the first timer that is due by then; false where there is none. */
  #runNext(target: number, budget: { runs: number }): boolean {
    const [timer] = this.#timers;
    if (timer === undefined || timer.due > target) return false;
    count(budget);
    this.#timers.shift();
    this.#now = Math.max(this.#now, timer.due);
    timer.run();
    return true;
  }
}

function count(budget: { runs: number }): void {
  budget.runs += 1;
  if (budget.runs <= MAX_RUNS) return;
  throw new TailwireError("misuse", `${MAX_RUNS} callbacks ran in one move: they call for each other without end`);
}
