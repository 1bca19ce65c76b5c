/** A memory store that is handed over to the next process. */

import { describe, expect, test } from "vitest";
import { parseChannelName } from "../../src/core/channel-name.ts";
import type { Data, EventInput } from "../../src/core/event.ts";
import { type MemoryStoreOptions, memoryStore } from "../../src/store/memory.ts";
import { ManualClock } from "../../src/testing/index.ts";

const chat = parseChannelName("chat");
const news = parseChannelName("news");
const ALL = { maxEvents: 10_000, maxBytes: 1e9 };
const EARLIEST = { kind: "earliest" } as const;
const HOUR_MS = 3_600_000;

type MemoryStore = ReturnType<typeof memoryStore>;

function text(value: string, more: Partial<EventInput> = {}): EventInput {
  return { data: { kind: "text", text: value }, type: "message", key: undefined, idempotencyKey: undefined, ...more };
}

/** One life after the other, which share a clock only. */
function setUp(options: MemoryStoreOptions = {}) {
  const clock = new ManualClock();
  const begin = (more: MemoryStoreOptions = {}) => memoryStore({ clock, ...options, ...more });
  const handOver = async (store: MemoryStore, more: MemoryStoreOptions = {}) => {
    const next = begin(more);
    await next.restore(store.snapshot());
    return next;
  };
  return { clock, begin, handOver };
}

const read = (store: MemoryStore, channel = chat, from: Parameters<MemoryStore["read"]>[1] = EARLIEST) =>
  store.read(channel, from, ALL);

describe("a memory store that is handed over", () => {
  test("has the same events, epochs and heads", async () => {
    const { clock, begin, handOver } = setUp({ retention: { maxEvents: 3 } });
    const first = begin();
    const data: readonly Data[] = [
      { kind: "text", text: "gone" },
      { kind: "text", text: "half a pair: \ud83d, two\nlines\r\n" },
      { kind: "json", text: '{"n": 12345678901234567890}' },
      { kind: "binary", bytes: Uint8Array.from({ length: 256 }, (_, byte) => byte) },
    ];
    for (const each of data) {
      await first.append(chat, text("", { data: each, type: "t", key: "k" }));
      clock.advance(10);
    }
    await first.append(news, text("other"));
    const [before, other] = [await read(first), await read(first, news)];
    expect(before.events).toHaveLength(3);
    const second = await handOver(first);
    expect([await read(second), await read(second, news)]).toEqual([before, other]);
  });

  test("goes on behind the newest event, and an old cursor goes on there", async () => {
    const { begin, handOver } = setUp();
    const first = begin();
    const { position } = await first.append(chat, text("1"));
    const second = await handOver(first);
    expect((await second.append(chat, text("2"))).position).toEqual({ epoch: position.epoch, offset: 2 });
    const { gap, events } = await read(second, chat, { kind: "after", position });
    expect([gap, events.map(({ data }) => data)]).toEqual([undefined, [{ kind: "text", text: "2" }]]);
  });

  test("knows the idempotency keys, and until when", async () => {
    const { clock, begin, handOver } = setUp();
    const first = begin();
    const once = text("1", { idempotencyKey: "k" });
    const { position } = await first.append(chat, once);
    clock.advance(599_000);
    const second = await handOver(first);
    expect(await second.append(chat, once)).toEqual({ position, duplicate: true });
    clock.advance(2000);
    expect(await second.append(chat, once)).toMatchObject({ duplicate: false });
  });

  test("knows where logs stood of which nothing is kept, and that a purged one begins anew", async () => {
    const { clock, begin, handOver } = setUp();
    const first = begin();
    const { position } = await first.append(chat, text("old"));
    await first.append(news, text("purged"));
    await first.purge(news);
    clock.advance(HOUR_MS + 20_000);
    const purged = await read(first, news);
    const second = await handOver(await handOver(first));
    expect((await read(second)).head).toEqual(position);
    expect(await read(second, news)).toEqual(purged);
    expect((await second.append(chat, text("new"))).position).toEqual({ ...position, offset: 2 });
  });

  test("has the epoch of channels without events, so that cursors of those go on too", async () => {
    const { begin, handOver } = setUp();
    const first = begin();
    const { head } = await read(first);
    const second = await handOver(first);
    await second.append(chat, text("first"));
    expect(await read(second, chat, { kind: "after", position: head })).toMatchObject({ gap: undefined, events: [{}] });
  });

  test("keeps what the next life is told to keep", async () => {
    const { clock, begin, handOver } = setUp();
    const first = begin();
    for (let n = 1; n <= 5; n += 1) await first.append(chat, text(`${n}`));
    const second = await handOver(first, { retention: { maxEvents: 2 } });
    expect((await read(second)).events.map(({ position }) => position.offset)).toEqual([4, 5]);
    clock.advance(HOUR_MS + 20_000);
    expect((await read(second)).events).toEqual([]);
  });

  test("trims by age what nobody touches", async () => {
    const { clock, begin, handOver } = setUp();
    const first = begin();
    await first.append(chat, text("x"));
    const second = await handOver(first);
    expect(clock.timers).toBe(1);
    clock.advance(HOUR_MS + 700_000);
    expect(clock.timers).toBe(0);
    await second.close?.();
  });

  test("takes no more, so that no event is lost behind the snapshot", async () => {
    const { clock, begin } = setUp();
    const store = begin();
    await store.append(chat, text("1"));
    const parts = store.snapshot();
    expect(() => store.append(chat, text("2"))).toThrow(expect.objectContaining({ code: "shutting_down" }));
    expect(() => store.purge(chat)).toThrow(expect.objectContaining({ code: "shutting_down" }));
    expect(clock.timers).toBe(0);
    const next = begin();
    await next.restore(parts);
    expect((await read(next)).events).toHaveLength(1);
  });
});

describe("a memory store that takes over", () => {
  test("has to be empty", async () => {
    const { begin } = setUp();
    const store = begin();
    await store.append(chat, text("1"));
    await expect(store.restore(begin().snapshot())).rejects.toMatchObject({ code: "misuse" });
    expect((await read(store)).events).toHaveLength(1);
  });

  test("must not be given events meanwhile", async () => {
    const { begin } = setUp();
    const store = begin();
    const restored = store.restore(begin().snapshot());
    await store.append(chat, text("1"));
    await expect(restored).rejects.toMatchObject({ code: "misuse" });
    expect((await read(store)).events).toHaveLength(1);
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ["cut off", (bytes) => bytes.subarray(0, -20)],
    ["damaged", (bytes) => Buffer.from(bytes.toString().replace("hello", "hullo"))],
  ])("takes nothing of what is %s", async (_, spoil) => {
    const { begin } = setUp();
    const first = begin();
    await first.append(chat, text("hello"));
    const store = begin();
    const { head } = await read(store);
    await expect(store.restore([spoil(Buffer.concat([...first.snapshot()]))])).rejects.toMatchObject({
      code: "invalid_data",
    });
    expect(await read(store)).toMatchObject({ events: [], head });
  });
});
