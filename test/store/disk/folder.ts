/** A folder of its own for a test, gone with it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { type DiskStoreOptions, diskStore } from "../../../src/store/disk/index.ts";

export function makeFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tailwire-disk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type OpenStore = ReturnType<typeof diskStore>;

/** Closed with the test. */
export function openStore(path: string, options: Omit<DiskStoreOptions, "path"> = {}): OpenStore {
  const store = diskStore({ ...options, path });
  onTestFinished(async () => store.close?.());
  return store;
}
