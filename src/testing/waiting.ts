/** Waiting in tests: for what has to come, never for a time to pass. */

import { AssertionError } from "node:assert";
import { systemClock } from "../core/clock.ts";
import type { MaybePromise } from "../core/store.ts";

/** How long the suites wait for what has to come, in milliseconds; only a case that fails waits that long. */
export const PATIENCE_MS = 10_000;

/** Settles when everything that was ready has run: sockets read, promises settled. */
export function turn(): Promise<void> {
  return new Promise((resolve) => systemClock.soon(resolve));
}

/**
 * Asks again at every turn of the event loop until the answer is true.
 * @throws {AssertionError} after {@link PATIENCE_MS}, saying what did not come
 */
export async function eventually(what: string, holds: () => MaybePromise<boolean>): Promise<void> {
  const deadline = systemClock.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new AssertionError({ message: `it never came to this: ${what}` });
    await turn();
  }
}
