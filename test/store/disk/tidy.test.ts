import { statSync } from "node:fs";
import path from "node:path";
import { open } from "lmdb";
import { describe, expect, it } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import type { EventInput } from "../../../src/core/event.ts";
import type { Retention } from "../../../src/core/log.ts";
import { ManualClock } from "../../../src/testing/index.ts";
import { makeFolder, type OpenStore, openStore } from "./folder.ts";

const chat = parseChannelName("chat");
const other = parseChannelName("other");
const ALL = { maxEvents: 10_000, maxBytes: 1e9 };
const DAY = 24 * 3_600_000;
const x: EventInput = { data: { kind: "text", text: "x" }, type: "message", key: undefined, idempotencyKey: undefined };

describe("what is kept no longer leaves the disk:", () => {
  it("events that retention has passed", async () => {
    const { folder, clock, store } = setUp({ maxEvents: 10 });
    await Promise.all(Array.from({ length: 3000 }, () => store.append(chat, x)));
    await passed(clock, store, 60_000);
    await store.close?.();
    expect(await keysIn(folder, "e")).toBe(10);
  });

  it("events that are too old, of channels that nobody appends to", async () => {
    const { folder, clock, store } = setUp({ maxAgeMs: 60_000 });
    for (let n = 0; n < 50; n += 1) await store.append(parseChannelName(`channel-${n}`), x);
    await passed(clock, store, 30_000);
    await store.append(chat, x);
    await passed(clock, store, 40_000);
    await store.close?.();
    expect([await keysIn(folder, "e"), await keysIn(folder, "a"), await keysIn(folder, "r")]).toEqual([1, 1, 50]);
  });

  it("events that were purged", async () => {
    const { folder, clock, store } = setUp({});
    await Promise.all(Array.from({ length: 900 }, () => store.append(chat, x)));
    await store.append(other, x);
    await store.purge(chat);
    await passed(clock, store, 20_000);
    await store.close?.();
    expect([await keysIn(folder, "e"), await keysIn(folder, "g"), await keysIn(folder, "a")]).toEqual([1, 0, 1]);
  });

  it("idempotency keys that are no longer known", async () => {
    const { folder, clock, store } = setUp({});
    for (let n = 0; n < 100; n += 1) await store.append(chat, { ...x, idempotencyKey: String(n) });
    await passed(clock, store, 1_300_000);
    await store.close?.();
    expect(await keysIn(folder, "k")).toBe(0);
  });

  it("the position of a channel that has had no events for a week; it begins again in another epoch", async () => {
    const { folder, clock, store } = setUp({});
    const { position } = await store.append(chat, x);
    await passed(clock, store, 3_700_000);
    await passed(clock, store, 6 * DAY);
    expect((await store.read(chat, { kind: "now" }, ALL)).head).toEqual(position);
    await passed(clock, store, 2 * DAY);
    expect((await store.read(chat, { kind: "now" }, ALL)).head).not.toEqual(position);
    expect((await store.append(chat, x)).position.epoch).not.toBe(position.epoch);
    const { gap } = await store.read(chat, { kind: "after", position }, ALL);
    expect(gap).toMatchObject({ reason: "epoch", lost: null });
    await store.close?.();
    expect([await keysIn(folder, "c"), await keysIn(folder, "r")]).toEqual([1, 0]);
  });
});

it("the file does not grow under appends without end", async () => {
  const { folder, clock, store } = setUp({ maxEvents: 100 });
  const sizes: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    clock.advance(2000);
    for (let n = 0; n < 5; n += 1) await Promise.all(Array.from({ length: 200 }, () => store.append(chat, x)));
    sizes.push(statSync(path.join(folder, "data.mdb")).size);
  }
  expect(sizes.at(-1)).toBeLessThanOrEqual(2 * (sizes[3] ?? 0));
});

function setUp(retention: Partial<Retention>) {
  const folder = makeFolder();
  const clock = new ManualClock();
  return { folder, clock, store: openStore(folder, { retention, clock }) };
}

/** Moves time on, and lets what is due then be done: a commit takes some of it along, and so does that of a purge. */
async function passed(clock: ManualClock, store: OpenStore, ms: number): Promise<void> {
  clock.advance(ms - 10_000);
  for (let commit = 0; commit < 5; commit += 1) await store.purge(parseChannelName("nobody"));
  clock.advance(10_000);
  for (let commit = 0; commit < 5; commit += 1) await store.purge(parseChannelName("nobody"));
}

/** How many keys with a prefix are in a folder that nobody has open. */
async function keysIn(folder: string, prefix: string): Promise<number> {
  const lmdb = open<Buffer, Buffer>({ path: folder, noSubdir: false, encoding: "binary", keyEncoding: "binary" });
  const count = [...lmdb.getKeys({})].filter((key) => key[0] === prefix.charCodeAt(0)).length;
  await lmdb.close();
  return count;
}
