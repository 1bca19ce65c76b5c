/** The system's time, of which stretches can be skipped, so that no test waits for a heartbeat. */

import { type Cancel, type Clock, systemClock } from "../../src/core/clock.ts";

interface Timer {
  readonly due: number;
  readonly run: () => void;
  cancel: Cancel;
}

/** Goes as the system's clock does, and `skip` moves it on: what is due by then runs, each at its own time. */
export class SkippingClock implements Clock {
  readonly soon = systemClock.soon;
  readonly random = systemClock.random;
  readonly #timers = new Set<Timer>();
  #ahead = 0;
  /** While skipping: the time that the timer which runs is due at. */
  #at: number | undefined;

  now(): number {
    return this.#at ?? systemClock.now() + this.#ahead;
  }

  after(ms: number, run: () => void): Cancel {
    const due = this.now() + ms;
    const timer: Timer = { due, run, cancel: systemClock.after(ms, () => this.#run(timer)) };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  skip(ms: number): void {
    const target = this.now() + ms;
    for (let next = this.#first(target); next !== undefined; next = this.#first(target)) {
      this.#at = next.due;
      next.cancel();
      this.#run(next);
    }
    this.#at = undefined;
    this.#ahead += ms;
  }

  #first(target: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= target && timer.due < (first?.due ?? Number.POSITIVE_INFINITY)) first = timer;
    }
    return first;
  }

  #run(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.run();
  }
}
