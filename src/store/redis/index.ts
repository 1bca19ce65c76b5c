/**
 * `tailwire/store/redis`: logs in Redis 7 or Valkey, for hubs on several machines. Needs the package `redis`.
 *
 *     const store = redisStore({ url: "redis://127.0.0.1" });
 *     await store.ready(); // says what is wrong, if anything is
 *     const hub = createHub({ store });
 */

import type { Purgeable, Store, Watched } from "../../core/store.ts";
import { type RedisStoreOptions, settingsOf } from "./options.ts";
import { RedisStore } from "./redis-store.ts";

export type { ClientOptions } from "./connection.ts";
export type { RedisStoreOptions } from "./options.ts";
export type { ClusterOptions, SentinelOptions } from "./topology.ts";

/**
 * A store in Redis. It connects at once, and again whenever it has to; while Redis is away, what is asked is refused
 * with `store_unavailable`.
 * @throws {TailwireError} `misuse` for options that make no sense
 */
export function redisStore(options: RedisStoreOptions): Store & Purgeable & Watched {
  return new RedisStore(settingsOf(options));
}
