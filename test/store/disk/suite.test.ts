import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "vitest";
import { diskStore } from "../../../src/store/disk/index.ts";
import { type MakeStore, ManualClock, storeSuite } from "../../../src/testing/index.ts";

/** A store in a folder of its own; each join opens the folder once more. */
const makeDisk: MakeStore = async ({ retention = {} }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "tailwire-disk-"));
  const clock = new ManualClock();
  const open = () => {
    const store = diskStore({ path: folder, retention, clock });
    stores.push(store);
    return store;
  };
  const stores: ReturnType<typeof diskStore>[] = [];
  return {
    store: open(),
    join: open,
    advance: (ms) => clock.advance(ms),
    async close() {
      for (const store of stores) await store.close?.();
      await rm(folder, { recursive: true });
    },
  };
};

describe("the disk store", () => {
  for (const { name, run } of storeSuite(makeDisk, ["advance", "purge", "join"])) test(name, run);
});
