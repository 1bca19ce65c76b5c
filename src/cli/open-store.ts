/** Opens the store that `tailwire serve` was asked for, or says why that cannot be. */

import { memoryStore, type Purgeable, type Retention, type Snapshots, type Store, TailwireError } from "../index.ts";
import { Failure } from "./failure.ts";
import type { StorePlace } from "./store-place.ts";
import { tell } from "./tell.ts";

export interface OpenedStore {
  readonly store: Store & Purgeable;
  /** What can hand the logs over, where they would be gone with the process. */
  readonly snapshots: Snapshots | undefined;
}

/** @throws {Failure} where it can be no use, whatever is waited for */
export async function openStore(place: StorePlace, retention: Retention): Promise<OpenedStore> {
  if (place.kind === "memory") {
    const store = memoryStore({ retention });
    return { store, snapshots: store };
  }
  try {
    const store = place.kind === "disk" ? await openDisk(place.path, retention) : await openRedis(place.url, retention);
    return { store, snapshots: undefined };
  } catch (cause) {
    throw unusable(cause);
  }
}

async function openDisk(path: string, retention: Retention): Promise<Store & Purgeable> {
  const { diskStore } = await optional("lmdb", () => import("../store/disk/index.ts"));
  return diskStore({ path, retention });
}

/** A Redis that is away may come; one that will never do is refused. */
async function openRedis(url: string, retention: Retention): Promise<Store & Purgeable> {
  const { redisStore } = await optional("redis", () => import("../store/redis/index.ts"));
  const store = redisStore({ url, retention });
  try {
    await store.ready();
  } catch (error) {
    if (error instanceof TailwireError && error.code === "store_unavailable") {
      tell(`warning: ${error.message}; until then what needs it is answered with 503`);
    } else {
      await store.close?.();
      throw error;
    }
  }
  return store;
}

/** A package that only those install who need it. */
async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new Failure(`this store needs the package ${name}: npm install ${name}, or --store memory:`, {
      exitCode: 2,
      cause,
    });
  }
}

function unusable(cause: unknown): unknown {
  if (!(cause instanceof TailwireError)) return cause;
  return new Failure(cause.message, { exitCode: cause.code === "store_unavailable" ? 1 : 2, cause });
}
