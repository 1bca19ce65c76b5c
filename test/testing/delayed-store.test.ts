import { describe, test } from "vitest";
import { memoryStore } from "../../src/store/memory.ts";
import { type MakeStore, ManualClock, storeSuite } from "../../src/testing/index.ts";
import { DelayedStore } from "./delayed-store.ts";

const SEEDS = [1, 2, 3];

/** Each join is another way to the same logs, with delays of its own. */
function makeDelayed(seed: number): MakeStore {
  return ({ retention = {} }) => {
    const clock = new ManualClock();
    const memory = memoryStore({ retention, clock });
    let nodes = 0;
    const join = () => {
      nodes += 1;
      return new DelayedStore(memory, seed * 100 + nodes);
    };
    return { store: join(), join, advance: (ms) => clock.advance(ms), close: () => memory.close?.() };
  };
}

describe.each(SEEDS)("a store that answers with promises, of seed %i", (seed) => {
  for (const { name, run } of storeSuite(makeDelayed(seed), ["advance", "purge", "join"])) test(name, run);
});
