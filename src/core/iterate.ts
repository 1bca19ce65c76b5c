/** A subscription as an async iterable, for readers in this process: its frames are the items themselves. */

import type { EndingListener } from "./ending.ts";
import { type Item, type ReceivedEvent, type ReceivedGap, received } from "./event.ts";
import type { Encoding, Sink } from "./group.ts";
import type { MaybePromise } from "./store.ts";
import type { Subscription } from "./subscription.ts";

type Received<T> = ReceivedEvent<T> | ReceivedGap;

/** Items that may wait for the consumer before the subscription lags. */
const MAX_WAITING = 1000;

const ITEMS: Encoding<readonly Item[]> = { key: "items", carriesCursor: false, encode: (items) => items };

/** Gives what the subscription receives, until `return`, the signal's abort or the hub's close. */
export function iterate<T>(
  open: () => MaybePromise<Subscription>,
  hub: { whenEnding(listener: EndingListener): () => void },
  signal: AbortSignal | undefined,
): AsyncIterableIterator<Received<T>> {
  return new Iteration<T>(open, hub, signal);
}

class Iteration<T> implements AsyncIterableIterator<Received<T>>, Sink<readonly Item[]> {
  readonly encoding = ITEMS;
  #waiting: Item[] = [];
  /** How many of the waiting are taken. */
  #taken = 0;
  #wake: () => void = () => {};
  #subscription: Subscription | undefined;
  #end: "open" | "ended" | "failed" = "open";
  #error: unknown;
  readonly #cleanUp: () => void;

  constructor(
    open: () => MaybePromise<Subscription>,
    hub: { whenEnding(listener: EndingListener): () => void },
    signal: AbortSignal | undefined,
  ) {
    const stop = () => this.#stop();
    const takeBack = hub.whenEnding(({ state }) => state === "closed" && stop());
    signal?.addEventListener("abort", stop, { once: true });
    this.#cleanUp = () => {
      takeBack();
      signal?.removeEventListener("abort", stop);
    };
    if (signal?.aborted) this.#stop();
    else this.#open(open);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Received<T>>> {
    for (;;) {
      const item = this.#waiting[this.#taken];
      if (item !== undefined) {
        this.#taken += 1;
        return { done: false, value: received<T>(item) };
      }
      if (this.#end !== "open") return this.#finish();
      this.#waiting = [];
      this.#taken = 0;
      const written = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#subscription?.drained();
      await written;
    }
  }

  async return(): Promise<IteratorResult<Received<T>>> {
    this.#waiting = [];
    this.#stop();
    return { done: true, value: undefined };
  }

  get halfFull(): boolean {
    return this.#waiting.length - this.#taken > MAX_WAITING / 2;
  }

  write(items: readonly Item[]): boolean {
    for (const item of items) this.#waiting.push(item);
    this.#wake();
    return this.#waiting.length < MAX_WAITING;
  }

  #open(open: () => MaybePromise<Subscription>): void {
    try {
      const opened = open();
      if (opened instanceof Promise)
        opened.then(
          (value) => this.#begin(value),
          (error) => this.fail(error),
        );
      else this.#begin(opened);
    } catch (error) {
      this.fail(error);
    }
  }

  #begin(subscription: Subscription): void {
    this.#subscription = subscription;
    if (this.#end === "open") subscription.begin(this);
    else subscription.close();
  }

  #finish(): IteratorResult<Received<T>> {
    if (this.#end === "ended") return { done: true, value: undefined };
    this.#end = "ended";
    throw this.#error;
  }

  fail(error: unknown): void {
    if (this.#end !== "open") return;
    this.#error = error;
    this.#stop();
    this.#end = "failed";
  }

  #stop(): void {
    if (this.#end !== "open") return;
    this.#end = "ended";
    this.#cleanUp();
    this.#subscription?.close();
    this.#wake();
  }
}
