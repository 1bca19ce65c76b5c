import { describe, expect, test } from "vitest";
import { parseChannelName } from "../../src/core/channel-name.ts";
import type { EventInput } from "../../src/core/event.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { type MakeStore, ManualClock, storeSuite } from "../../src/testing/index.ts";

const makeMemory: MakeStore = ({ retention = {} }) => {
  const clock = new ManualClock();
  const store = memoryStore({ retention, clock });
  return { store, advance: (ms) => clock.advance(ms), close: () => store.close?.() };
};

describe("the memory store", () => {
  for (const { name, run } of storeSuite(makeMemory, ["advance", "purge"])) test(name, run);
});

const chat = parseChannelName("chat");
const x: EventInput = { data: { kind: "text", text: "x" }, type: "message", key: undefined, idempotencyKey: undefined };
const ALL = { maxEvents: 10_000, maxBytes: 1e9 };

describe("the memory store, beside what every store does", () => {
  test("keeps 1,000 events, 1 MiB and an hour of each channel", async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    for (let n = 0; n < 1500; n += 1) await store.append(chat, x);
    expect(await kept(store)).toBe(1000);
    clock.advance(3_600_001);
    expect(await kept(store)).toBe(0);
    await store.append(chat, { ...x, data: { kind: "text", text: "x".repeat(600_000) } });
    await store.append(chat, { ...x, data: { kind: "text", text: "x".repeat(600_000) } });
    expect(await kept(store)).toBe(1);
  });

  test("has no timer while it holds nothing, and none once it is closed", async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    expect(clock.timers).toBe(0);
    await store.append(chat, x);
    expect(clock.timers).toBe(1);
    clock.advance(3_700_000);
    expect(clock.timers).toBe(0);
    await store.append(chat, x);
    await store.close?.();
    expect(clock.timers).toBe(0);
  });

  test("has other epochs in each life", async () => {
    const lives = [1, 2, 3].map((seed) => memoryStore({ clock: new ManualClock({ seed }) }));
    const reads = await Promise.all(lives.map((store) => store.read(chat, { kind: "now" }, ALL)));
    expect(new Set(reads.map(({ head }) => head.epoch)).size).toBe(3);
  });
});

async function kept(store: ReturnType<typeof memoryStore>): Promise<number> {
  const { events } = await store.read(chat, { kind: "earliest" }, ALL);
  return events.length;
}
