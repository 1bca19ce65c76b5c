import { describe, expect, test } from "vitest";
import type { ChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent, Item, ReceivedEvent, ReceivedGap } from "../../src/core/event.ts";
import { isGap } from "../../src/core/event.ts";
import type { Encoding, Sink } from "../../src/core/group.ts";
import type { Store } from "../../src/core/store.ts";
import { createHub, type HubOptions } from "../../src/create-hub.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const CHAT = "chat" as ChannelName;

/** A sink that counts how often its encoding is asked. */
class TestSink implements Sink<readonly Item[]> {
  static encoded = 0;
  readonly encoding: Encoding<readonly Item[]> = {
    key: "test",
    carriesCursor: false,
    encode(items) {
      TestSink.encoded += 1;
      return items;
    },
  };
  readonly seen: string[] = [];
  frames = 0;
  takes = true;
  halfFull = false;
  failed: unknown;

  write(items: readonly Item[]): boolean {
    this.frames += 1;
    for (const item of items) {
      this.seen.push(isGap(item) ? `gap ${item.reason} ${item.lost}` : String((item.data as { text: string }).text));
    }
    return this.takes;
  }

  fail(error: unknown): void {
    this.failed = error;
  }
}

function setUp(options: HubOptions = {}) {
  const clock = new ManualClock();
  const hub = createHub({ clock, ...options });
  const publish = (...texts: string[]) => Promise.all(texts.map((text) => hub.publish("chat", text)));
  const subscribe = async (from: Parameters<typeof hub.open>[1] = new Map(), sink = new TestSink()) => {
    const subscription = await hub.open([CHAT], from);
    subscription.begin(sink);
    return { subscription, sink };
  };
  return { clock, hub, publish, subscribe };
}

const EARLIEST = new Map([[CHAT, { kind: "earliest" } as const]]);

describe("a hub", () => {
  test("gives a publish its position and its subscribers the event", async () => {
    const { clock, hub, subscribe } = setUp();
    const { sink, subscription } = await subscribe();
    expect(subscription.state).toBe("live");
    const published = await hub.publish("chat", "hello");
    expect(published).toEqual({ id: expect.stringMatching(/^[a-z0-9]{8}:1$/), channel: "chat" });
    clock.settle();
    expect(sink.seen).toEqual(["hello"]);
  });

  test("makes one frame a flush, however many subscriptions there are", async () => {
    const { clock, publish, subscribe } = setUp();
    const sinks = await Promise.all(Array.from({ length: 50 }, async () => (await subscribe()).sink));
    TestSink.encoded = 0;
    await publish("a", "b", "c");
    clock.settle();
    expect(TestSink.encoded).toBe(1);
    for (const sink of sinks) expect(sink).toMatchObject({ seen: ["a", "b", "c"], frames: 1 });
  });

  test("begins now behind what was published before, also when that is not flushed yet", async () => {
    const { clock, publish, subscribe } = setUp();
    await subscribe();
    await publish("before");
    const { sink, subscription } = await subscribe();
    expect(subscription.state).toBe("catching-up");
    await publish("after");
    clock.settle();
    expect(sink.seen).toEqual(["after"]);
    expect(subscription.state).toBe("live");
  });

  test("hands over from history to live without a hole or a repeat", async () => {
    const { clock, publish, subscribe } = setUp();
    await publish("1", "2");
    await subscribe();
    await publish("3");
    const { sink } = await subscribe(EARLIEST);
    await publish("4");
    clock.settle();
    await publish("5");
    clock.advance(5);
    expect(sink.seen).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("lets a subscription whose sink is full read on from the log", async () => {
    const { clock, publish, subscribe } = setUp();
    const { sink, subscription } = await subscribe();
    const { sink: other } = await subscribe();
    sink.takes = false;
    for (const text of ["1", "2", "3"]) {
      await publish(text);
      clock.advance(10);
    }
    expect(subscription.state).toBe("catching-up");
    expect(sink.seen).toEqual(["1"]);
    expect(other.seen).toEqual(["1", "2", "3"]);
    sink.takes = true;
    subscription.drained();
    expect(sink.seen).toEqual(["1", "2", "3"]);
    expect(subscription.state).toBe("live");
  });

  test("tells a subscription that was trimmed past what it lost", async () => {
    const { clock, publish, subscribe } = setUp({ retention: { maxEvents: 2 } });
    const { sink, subscription } = await subscribe();
    sink.takes = false;
    for (const text of ["1", "2", "3", "4", "5"]) {
      await publish(text);
      clock.advance(10);
    }
    sink.takes = true;
    subscription.drained();
    expect(sink.seen).toEqual(["1", "gap trimmed 2", "4", "5"]);
  });

  test("loses nothing of a burst longer than the retention for those who keep up", async () => {
    const { clock, publish, subscribe } = setUp({ retention: { maxEvents: 10 } });
    const { sink } = await subscribe();
    const texts = Array.from({ length: 500 }, (_, index) => String(index));
    await publish(...texts);
    const { sink: late } = await subscribe();
    await publish("last");
    clock.settle();
    expect(sink.seen).toEqual([...texts, "last"]);
    expect(late.seen).toEqual(["last"]);
  });

  test("cuts a flush that is too large for one frame", async () => {
    const { clock, publish, subscribe } = setUp({ maxEventBytes: 4_000_000 });
    const { sink } = await subscribe();
    const large = "x".repeat(3_000_000);
    const published = publish("small", large, large, "small");
    await clock.settleAsync();
    await published;
    expect(sink.seen.map((text) => text.length)).toEqual([5, 3_000_000, 3_000_000, 5]);
    expect(sink.frames).toBe(2);
  });

  test("paces a publisher that is quicker than the flush", async () => {
    const { clock, hub, subscribe } = setUp();
    await subscribe();
    const large = "x".repeat(200_000);
    await hub.publish("chat", large);
    let settled = false;
    const paced = hub.publish("chat", large).then(() => {
      settled = true;
    });
    await clock.settleAsync();
    await paced;
    expect(settled).toBe(true);
    expect(hub.paced(CHAT)).toBeUndefined();
  });

  test("tells live subscriptions of a purge at the next event", async () => {
    const { clock, hub, publish, subscribe } = setUp();
    const { sink } = await subscribe();
    await publish("old");
    clock.advance(10);
    expect(await hub.purge("chat")).toBe(true);
    expect(await hub.purge("never-used")).toBe(false);
    await publish("new");
    clock.advance(10);
    expect(sink.seen).toEqual(["old", "gap epoch null", "new"]);
  });

  test("follows a channel only while somebody here reads it", async () => {
    const store = memoryStore();
    let following = 0;
    const counted: Store = {
      append: (...args) => store.append(...args),
      read: (...args) => store.read(...args),
      follow(...args) {
        following += 1;
        const unfollow = store.follow(...args);
        return () => {
          following -= 1;
          unfollow();
        };
      },
    };
    const { subscribe } = setUp({ store: counted });
    const first = await subscribe();
    const second = await subscribe();
    expect(following).toBe(1);
    first.subscription.close();
    first.subscription.close();
    expect(following).toBe(1);
    second.subscription.close();
    expect(following).toBe(0);
    expect(second.subscription.state).toBe("closed");
  });

  test("reads what a follow missed", async () => {
    const clock = new ManualClock();
    const store = memoryStore({ clock });
    const lossy: Store = {
      append: (...args) => store.append(...args),
      read: (...args) => store.read(...args),
      follow: (channel, listener) =>
        store.follow(channel, (event: ChannelEvent) => event.position.offset % 3 === 0 && listener(event)),
    };
    const hub = createHub({ clock, store: lossy });
    const sink = new TestSink();
    (await hub.open([CHAT], new Map())).begin(sink);
    for (const text of ["1", "2", "3", "4", "5", "6"]) await hub.publish("chat", text);
    clock.advance(10);
    expect(sink.seen).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  test("reads again where a channel was flushed while a late answer was on its way", async () => {
    const store = memoryStore();
    let answer: (() => void) | undefined;
    let late = false;
    const slow: Store = {
      append: (...args) => store.append(...args),
      follow: (...args) => store.follow(...args),
      read(...args) {
        const read = store.read(...args);
        if (!late) return read;
        return new Promise((resolve) => {
          answer = () => resolve(read);
        });
      },
    };
    const { clock, hub, publish, subscribe } = setUp({ store: slow });
    await subscribe();
    await publish("1");
    const subscription = await hub.open([CHAT], new Map());
    const sink = new TestSink();
    late = true;
    subscription.begin(sink);
    await publish("2");
    clock.settle();
    answer?.();
    await clock.settleAsync();
    expect([sink.seen, subscription.state]).toEqual([["2"], "live"]);
  });

  test("closes a subscription whose log cannot be read, and tells its sink", async () => {
    const store = memoryStore();
    let broken = false;
    const fragile: Store = {
      append: (...args) => store.append(...args),
      follow: (...args) => store.follow(...args),
      read(...args) {
        if (broken) throw new Error("the disk is gone");
        return store.read(...args);
      },
    };
    const { clock, publish, subscribe } = setUp({ store: fragile });
    const { sink, subscription } = await subscribe();
    sink.takes = false;
    await publish("1");
    clock.advance(10);
    await publish("2");
    clock.advance(10);
    broken = true;
    subscription.drained();
    expect(subscription.state).toBe("closed");
    expect(sink.failed).toMatchObject({ message: "the disk is gone" });
  });

  test("refuses settings that make no sense", () => {
    expect(() => createHub({ flushMs: -1 })).toThrow(/flushMs/);
    expect(() => createHub({ heartbeatMs: Number.NaN })).toThrow(/heartbeatMs/);
    expect(() => createHub({ store: memoryStore(), retention: {} })).toThrow(/memoryStore/);
  });

  test("refuses bad names, types, keys and data", async () => {
    const { hub } = setUp({ maxEventBytes: 10 });
    await expect(hub.publish("no spaces", 1)).rejects.toMatchObject({ code: "invalid_channel" });
    await expect(hub.publish("$system", 1)).rejects.toMatchObject({ code: "invalid_channel" });
    await expect(hub.publish("a", 1, { type: "a\nb" })).rejects.toMatchObject({ parameter: "type" });
    await expect(hub.publish("a", 1, { key: "" })).rejects.toMatchObject({ parameter: "key" });
    await expect(hub.publish("a", undefined)).rejects.toMatchObject({ code: "invalid_data" });
    await expect(hub.publish("a", 1n)).rejects.toMatchObject({ code: "invalid_data" });
    await expect(hub.publish("a", "éééééé")).rejects.toMatchObject({ code: "event_too_large" });
    await expect(hub.publish("a", "ééééé")).resolves.toMatchObject({ channel: "a" });
  });

  test("refuses everything once it is closed", async () => {
    const { hub } = setUp();
    await hub.close();
    await expect(hub.publish("a", 1)).rejects.toMatchObject({ code: "shutting_down" });
    await expect(hub.cursor("a")).rejects.toMatchObject({ code: "shutting_down" });
    await expect(hub.subscribe("a").next()).rejects.toMatchObject({ code: "shutting_down" });
    await hub.close();
  });
});

describe("hub.subscribe", () => {
  const text = (item: ReceivedEvent | ReceivedGap | undefined) =>
    item === undefined ? undefined : item.type === "$gap" ? "gap" : (item as ReceivedEvent).data;

  test("gives events and gaps as values", async () => {
    const { clock, hub } = setUp({ retention: { maxEvents: 3 } });
    const old = await hub.cursor("chat");
    for (const data of [0, { a: 1 }, "text", new Uint8Array([1, 2])]) await hub.publish("chat", data, { key: "k" });
    const reader = hub.subscribe("chat", { from: old });
    const items: unknown[] = [];
    for (let count = 0; count < 4; count += 1) items.push((await reader.next()).value);
    const epoch = old.split(":")[0];
    expect(items).toEqual([
      { type: "$gap", channel: "chat", after: `${epoch}:0`, next: `${epoch}:1`, lost: 1, reason: "trimmed" },
      { id: `${epoch}:2`, channel: "chat", type: "message", key: "k", time: clock.now(), data: { a: 1 } },
      { id: `${epoch}:3`, channel: "chat", type: "message", key: "k", time: clock.now(), data: "text" },
      { id: `${epoch}:4`, channel: "chat", type: "message", key: "k", time: clock.now(), data: new Uint8Array([1, 2]) },
    ]);
    await reader.return?.();
  });

  test("waits for what comes, over several channels", async () => {
    const { clock, hub } = setUp();
    const reader = hub.subscribe(["a", "b"]);
    const first = reader.next();
    await hub.publish("b", "one");
    clock.settle();
    expect(text((await first).value)).toBe("one");
  });

  test("reads no further ahead than its consumer, and loses nothing that the log keeps", async () => {
    const { clock, hub } = setUp({ retention: { maxEvents: 10_000 } });
    const reader = hub.subscribe("chat");
    for (let index = 0; index < 5000; index += 1) {
      await hub.publish("chat", index);
      if (index % 100 === 0) clock.advance(10);
    }
    clock.advance(10);
    const seen: unknown[] = [];
    while (seen.length < 5000) seen.push(text((await reader.next()).value));
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, index) => index));
  });

  test("ends with the signal, with return and with the hub", async () => {
    const { hub } = setUp();
    const controller = new AbortController();
    const bySignal = hub.subscribe("a", { signal: controller.signal });
    const waiting = bySignal.next();
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await hub.subscribe("a", { signal: controller.signal }).next()).toEqual({ done: true, value: undefined });
    const byReturn = hub.subscribe("a");
    await byReturn.return?.();
    expect(await byReturn.next()).toEqual({ done: true, value: undefined });
    const byHub = hub.subscribe("a").next();
    await hub.close();
    expect(await byHub).toEqual({ done: true, value: undefined });
  });

  test("says at once what it cannot read, and at the first next what the log has not reached", async () => {
    const { hub } = setUp();
    expect(() => hub.subscribe("bad name")).toThrow(/channel name/);
    expect(() => hub.subscribe([])).toThrow(/at least one/);
    expect(() => hub.subscribe("a", { from: "yesterday" })).toThrow(/from/);
    const [epoch] = (await hub.cursor("a")).split(":");
    await expect(hub.subscribe("a", { from: `${epoch}:7` }).next()).rejects.toMatchObject({ code: "invalid_cursor" });
  });
});
