/** The hub as users make it, with the store that it has by default. */

import type { Clock } from "./core/clock.ts";
import { TailwireError } from "./core/errors.ts";
import { Hub } from "./core/hub.ts";
import type { Retention } from "./core/log.ts";
import type { HubSettings } from "./core/settings.ts";
import type { Store } from "./core/store.ts";
import { memoryStore } from "./store/memory.ts";

/** What a hub can be told; durations in milliseconds, sizes in bytes. */
export interface HubOptions extends Partial<HubSettings> {
  /** Where the logs live; a {@link memoryStore} where it is left out. */
  readonly store?: Store;
  /** What the memory store keeps of each channel: 1,000 events, 1 MiB, one hour. Not beside `store`. */
  readonly retention?: Partial<Retention>;
  /** For tests: time moved by hand. */
  readonly clock?: Clock;
}

/**
 * Makes a hub.
 * @throws {TailwireError} `misuse` for a setting that makes no sense
 */
export function createHub(options: HubOptions = {}): Hub {
  const { store, retention, clock, ...settings } = options;
  if (store !== undefined && retention !== undefined) {
    throw new TailwireError("misuse", "retention belongs to the store: memoryStore({ retention }), or leave out store");
  }
  const timed = clock === undefined ? {} : { clock };
  const kept = retention === undefined ? {} : { retention };
  return new Hub(store ?? memoryStore({ ...kept, ...timed }), settings, clock);
}
