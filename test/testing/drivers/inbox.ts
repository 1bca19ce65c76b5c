/** Messages on their way from a socket's events to a reader that asks for the next one. */

import type { DriverMessage } from "../../../src/testing/index.ts";

interface Waiting {
  resolve(result: IteratorResult<DriverMessage, undefined>): void;
  reject(error: unknown): void;
}

export class Inbox {
  readonly #messages: { readonly message: DriverMessage; readonly cursor: string }[] = [];
  #waiting: Waiting | undefined;
  #end: { readonly error: unknown } | undefined;
  /** Where the reader stands: after the message that it took last. */
  cursor: string;

  constructor(cursor: string) {
    this.cursor = cursor;
  }

  /** @param cursor what to come back with after this message */
  put(message: DriverMessage, cursor: string): void {
    this.#messages.push({ message, cursor });
    this.#hand();
  }

  end(error?: unknown): void {
    this.#end ??= { error };
    this.#hand();
  }

  get empty(): boolean {
    return this.#messages.length === 0;
  }

  next(): Promise<IteratorResult<DriverMessage, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#hand();
    });
  }

  #hand(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const next = this.#messages.shift();
    if (next === undefined && this.#end === undefined) return;
    this.#waiting = undefined;
    if (next !== undefined) {
      this.cursor = next.cursor;
      waiting.resolve({ done: false, value: next.message });
    } else if (this.#end?.error === undefined) waiting.resolve({ done: true, value: undefined });
    else waiting.reject(this.#end.error);
  }
}
