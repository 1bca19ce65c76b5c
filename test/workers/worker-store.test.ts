import { describe, test } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/clock.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { type MakeStore, ManualClock, storeSuite } from "../../src/testing/index.ts";
import { seededRandom } from "../../src/testing/random.ts";
import { StoreServer } from "../../src/workers/store-server.ts";
import { WorkerStore } from "../../src/workers/worker-store.ts";
import { linkPair } from "./link-pair.ts";

/** A memory store in the primary; each join is another worker. */
function makeShared(capacity: number): MakeStore {
  return ({ retention = {} }) => {
    const clock = new ManualClock();
    const random = seededRandom(capacity);
    const linkClock: Clock = { ...systemClock, random };
    const logs = new StoreServer(memoryStore({ retention, clock }), linkClock);
    const workers: WorkerStore[] = [];
    const join = () => {
      const { primary, worker } = linkPair({ clock: linkClock, capacity });
      logs.join(primary);
      const store = new WorkerStore(worker, { clock: linkClock });
      workers.push(store);
      return store;
    };
    const close = async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    };
    return { store: join(), join, advance: (ms) => clock.advance(ms), close };
  };
}

describe.each([1, 1000, Number.POSITIVE_INFINITY])("a worker's store, over a link that holds %d", (capacity) => {
  for (const { name, run } of storeSuite(makeShared(capacity), ["advance", "purge", "join"])) test(name, run);
});
