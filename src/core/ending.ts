/**
 * A hub's way to its end. Whoever has to do something at a step is told of it, and a drain lasts until what is under way
 * is done, or its time is over.
 *
 *     open ──drain──▶ draining ──close──▶ closed
 *       └───────────────close──────────────▲
 */

import type { Cancel, Clock } from "./clock.ts";

/** A step of it. */
export type EndingStep = { readonly state: "draining"; readonly drainMs: number } | { readonly state: "closed" };

export type EndingListener = (step: EndingStep) => void;

export class Ending {
  readonly #clock: Clock;
  readonly #listeners = new Set<EndingListener>();
  #state: "open" | EndingStep["state"] = "open";
  #underWay = 0;
  #drained: Promise<void> | undefined;
  #settle: () => void = () => {};
  #timer: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): "open" | EndingStep["state"] {
    return this.#state;
  }

  /** Calls the listener at each step to come, and soon where the last has been; returns the way to take that back. */
  listen(listener: EndingListener): () => void {
    this.#listeners.add(listener);
    if (this.#state === "closed") this.#clock.soon(() => this.#tell({ state: "closed" }));
    return () => this.#listeners.delete(listener);
  }

  /** Something is under way, for which a drain waits until the returned function is called. */
  hold(): () => void {
    this.#underWay += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#settle();
    };
  }

  /** Settles when nothing is under way, at the latest when the time is over. */
  drain(drainMs: number): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    this.#drained ??= this.#begin(drainMs);
    return this.#drained;
  }

  close(): void {
    this.#state = "closed";
    this.#settle();
    this.#tell({ state: "closed" });
  }

  #begin(drainMs: number): Promise<void> {
    this.#state = "draining";
    this.#tell({ state: "draining", drainMs }); // before the timer: what is due at the end of the drain is done by then
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settle = () => {
        this.#timer?.();
        resolve();
      };
      this.#timer = this.#clock.after(drainMs, this.#settle);
    });
  }

  #tell(step: EndingStep): void {
    const listeners = [...this.#listeners];
    if (step.state === "closed") this.#listeners.clear();
    for (const listener of listeners) listener(step);
  }
}
