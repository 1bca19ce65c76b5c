/**
 * Polls that wait. Those of one hub that wait equally long do so in one list, the longest first, with one timer and one
 * listener for the hub's end: of its own these cost a poll 1 µs and 400 bytes, and what lives as long as a poll waits is
 * copied by the garbage collector meanwhile.
 */

import type { Cancel } from "../../core/clock.ts";
import type { EndingStep } from "../../core/ending.ts";
import type { Hub } from "../../core/hub.ts";

/** `time`: it has waited long enough. Else it has not, but the hub drains, or closes. */
export type WaitedOut = "time" | EndingStep["state"];

export interface Waiter {
  /** When it began to wait; set by its list. */
  since: number;
  /** It waits no longer, or from now on where it does not leave its list. */
  waitedOut(why: WaitedOut): void;
}

const lists = new WeakMap<Hub, Map<number, WaitingList>>();

export class WaitingList {
  readonly #hub: Hub;
  readonly #waitMs: number;
  /** By the time they began at. */
  readonly #waiters = new Set<Waiter>();
  #cancel: Cancel = () => {};
  #takeBack: () => void = () => {};

  /** The list of those who wait so many milliseconds. */
  static of(hub: Hub, waitMs: number): WaitingList {
    return lists.get(hub)?.get(waitMs) ?? new WaitingList(hub, waitMs);
  }

  private constructor(hub: Hub, waitMs: number) {
    this.#hub = hub;
    this.#waitMs = waitMs;
  }

  /** Lets it wait from now on. */
  add(waiter: Waiter): void {
    if (this.#waiters.size === 0) this.#open();
    waiter.since = this.#hub.clock.now();
    this.#waiters.delete(waiter);
    this.#waiters.add(waiter);
  }

  delete(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#close();
  }

  #open(): void {
    const ofHub = lists.get(this.#hub) ?? new Map<number, WaitingList>();
    lists.set(this.#hub, ofHub.set(this.#waitMs, this));
    this.#sweepIn(this.#waitMs);
    this.#takeBack = this.#hub.whenEnding(({ state }) => this.#callAll(state));
  }

  /** Nobody waits so long any more, and perhaps never again. */
  #close(): void {
    this.#cancel();
    this.#takeBack();
    lists.get(this.#hub)?.delete(this.#waitMs);
  }

  #sweepIn(ms: number): void {
    this.#cancel();
    this.#cancel = this.#hub.clock.after(ms, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#hub.clock.now();
    for (const waiter of this.#due(now)) {
      if (!this.#waiters.has(waiter)) continue; // it went with one before it
      this.add(waiter);
      waiter.waitedOut("time");
    }
    const [longest] = this.#waiters;
    if (longest !== undefined) this.#sweepIn(longest.since + this.#waitMs - now);
  }

  /** Those who have waited long enough. */
  #due(now: number): readonly Waiter[] {
    const due: Waiter[] = [];
    for (const waiter of this.#waiters) {
      const waited = now - waiter.since;
      // Less than nothing where the machine's time was set back: then they are answered early, and not an hour late.
      if (waited >= 0 && waited < this.#waitMs) break;
      due.push(waiter);
    }
    return due;
  }

  #callAll(why: WaitedOut): void {
    for (const waiter of [...this.#waiters]) waiter.waitedOut(why);
  }
}
