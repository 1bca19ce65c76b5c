/** Whether a store is there. */

import type { ChannelName } from "./channel-name.ts";
import type { Clock } from "./clock.ts";
import { TailwireError } from "./errors.ts";
import { isWatched, type Store } from "./store.ts";

/** No channel of a client's: those do not begin with `$`. */
const CHANNEL = "$ready" as ChannelName;
/** A store that takes longer than this to answer is as good as away. */
const PATIENCE_MS = 2000;

/**
 * Asks the store for something small.
 * @throws {TailwireError} `store_unavailable` where it does not answer, or not in time
 */
export async function checkStore(store: Store, clock: Clock): Promise<void> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(PATIENCE_MS, () => reject(unavailable(`the store has not answered in ${PATIENCE_MS} ms`)));
  });
  try {
    await Promise.race([Promise.resolve().then(() => ask(store)), late]);
  } catch (error) {
    throw unavailable(error instanceof TailwireError ? error.message : "the store cannot be read", error);
  } finally {
    cancel();
  }
}

function ask(store: Store): unknown {
  if (isWatched(store)) return store.ready();
  return store.read(CHANNEL, { kind: "now" }, { maxEvents: 0, maxBytes: 0 });
}

function unavailable(detail: string, cause?: unknown): TailwireError {
  if (cause instanceof TailwireError && cause.code === "store_unavailable") return cause;
  return new TailwireError("store_unavailable", detail, cause === undefined ? {} : { cause });
}
