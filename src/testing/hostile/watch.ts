/** Watches what a client is given in one case: numbered events, which are to come each once and in order, in time. */

import { AssertionError } from "node:assert";
import type { Cancel, Clock } from "../../core/clock.ts";
import type { MaybePromise } from "../../core/store.ts";
import type { ProxyCounts } from "./network.ts";
import type { HostileListener } from "./subject.ts";

interface Waiting {
  readonly n: number;
  resolve(): void;
}

export class Watch implements HostileListener {
  readonly #clock: Clock;
  readonly #begun: number;
  readonly #counts: () => ProxyCounts;
  readonly #stopLimit: Cancel;
  readonly #failure: Promise<never>;
  #reject: (error: AssertionError) => void = () => {};
  #waiting: Waiting | undefined;
  #last = 0;
  #firstEventMs = 0;

  constructor(clock: Clock, limitMs: number, counts: () => ProxyCounts) {
    this.#clock = clock;
    this.#begun = clock.now();
    this.#counts = counts;
    this.#failure = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#failure.catch(() => {}); // there may be nobody yet who waits
    this.#stopLimit = clock.after(limitMs, () => this.#fail(`event ${this.#last + 1} did not come in ${limitMs} ms`));
  }

  /** From its beginning to the first event. */
  get firstEventMs(): number {
    return this.#firstEventMs;
  }

  /** From its beginning until now. */
  get totalMs(): number {
    return this.#clock.now() - this.#begun;
  }

  event(n: number): void {
    if (n !== this.#last + 1) {
      this.#fail(`event ${this.#last + 1} is next, and ${n} came`);
      return;
    }
    if (n === 1) this.#firstEventMs = this.totalMs;
    this.#last = n;
    if (this.#waiting?.n === n) this.#waiting.resolve();
  }

  gap(detail: string): void {
    this.#fail(`a gap came: ${detail}`);
  }

  failed(error: unknown): void {
    this.#fail("the client has given up", error);
  }

  /** Settles when this event has come. @throws {AssertionError} as soon as anything is wrong */
  reached(n: number): Promise<void> {
    if (this.#last >= n) return this.unlessFailed(undefined);
    return this.unlessFailed(
      new Promise<void>((resolve) => {
        this.#waiting = { n, resolve };
      }),
    );
  }

  /** @throws {AssertionError} as soon as anything is wrong */
  unlessFailed<T>(work: MaybePromise<T>): Promise<T> {
    return Promise.race([this.#failure, work]);
  }

  /** @throws {AssertionError} where the first event took longer */
  checkFirstEvent(mostMs: number): void {
    if (this.#firstEventMs > mostMs) throw this.#error(`the first event came after ${this.#firstEventMs} ms`);
  }

  end(): void {
    this.#stopLimit();
  }

  #fail(what: string, cause?: unknown): void {
    this.#reject(this.#error(what, cause));
  }

  #error(what: string, cause?: unknown): AssertionError {
    const books = `${this.#last} events came in ${this.totalMs} ms; ${JSON.stringify(this.#counts())}`;
    return Object.assign(new AssertionError({ message: `${what} (${books})` }), cause === undefined ? {} : { cause });
  }
}
