/** What followers would have missed, and what Redis has lost. */

import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { ChannelEvent } from "../../../src/core/event.ts";
import { formatPosition } from "../../../src/core/position.ts";
import { settingsOf } from "../../../src/store/redis/options.ts";
import { RedisStore } from "../../../src/store/redis/redis-store.ts";
import { eventually } from "../../../src/testing/waiting.ts";
import { redisIsMissing } from "./redis-server.ts";
import { ALL, chat, codeOf, insist, Reader, Stage, text, textsOf } from "./stage.ts";

const NOW = { kind: "now" } as const;

describe.skipIf(redisIsMissing)("a follower", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  it("is told of what was appended while its subscription was cut, also of the last, in order and once", async () => {
    const redis = await stage.redis();
    const node = await stage.readyStore({ url: redis.url });
    const other = await stage.readyStore({ url: redis.url });
    const told: ChannelEvent[] = [];
    node.follow(chat, (event) => told.push(event));
    await node.read(chat, NOW, ALL);
    const expected: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      expect(await redis.ask("CLIENT", "KILL", "TYPE", "pubsub")).toBe(1);
      for (let n = 0; n < 5; n += 1) {
        expected.push(`${round}.${n}`);
        await other.append(chat, text(`${round}.${n}`));
      }
      await eventually("it is told of the last", () => textsOf(told).at(-1) === `${round}.4`);
      await insist(() => node.read(chat, NOW, ALL));
    }
    expect(textsOf(told)).toEqual(expected);
  });

  it("is told of many that it missed, while more come", async () => {
    const redis = await stage.redis("--appendonly", "no");
    const retention = { maxEvents: 10_000 };
    const node = await stage.readyStore({ url: redis.url, retention });
    const other = await stage.readyStore({ url: redis.url, retention });
    const told: ChannelEvent[] = [];
    node.follow(chat, (event) => told.push(event));
    await node.read(chat, NOW, ALL);
    const appends = Array.from({ length: 4000 }, (_, index) => {
      if (index === 1000) void redis.ask("CLIENT", "KILL", "TYPE", "pubsub");
      return other.append(chat, text(index));
    });
    await Promise.all(appends);
    await eventually("it is told of all", () => told.length >= 4000);
    expect(told.map(({ position }) => position.offset)).toEqual(Array.from({ length: 4000 }, (_, index) => index + 1));
  });

  it("is told of an event whose notification got lost without a sign, when the heads are looked at", async () => {
    const redis = await stage.redis();
    const looks: (() => void)[] = [];
    const after = (ms: number, run: () => void) => (ms === 30_000 ? later(looks, run) : systemClock.after(ms, run));
    const node = await stage.readyStore({ url: redis.url, clock: { ...systemClock, after } });
    const settings = settingsOf({ url: redis.url });
    const silent = Object.fromEntries(
      Object.entries(settings.scripts).map(([name, script]) => [name, script.replace("':live'", "':nowhere'")]),
    ) as typeof settings.scripts;
    const other = new RedisStore({ ...settings, scripts: silent });
    const told: ChannelEvent[] = [];
    node.follow(chat, (event) => told.push(event));
    await node.read(chat, NOW, ALL);
    await other.append(chat, text(1));
    await node.read(chat, NOW, ALL);
    expect(told).toEqual([]);
    looks.shift()?.();
    await eventually("it is told", () => told.length === 1);
    await node.append(chat, text(2));
    await eventually("and of the next", () => told.length === 2);
    expect(looks.length).toBe(1);
    await other.close();
  });

  it("keeps the position of a channel without events, which would be forgotten else", async () => {
    const redis = await stage.redis();
    const looks: (() => void)[] = [];
    const after = (ms: number, run: () => void) => (ms === 30_000 ? later(looks, run) : systemClock.after(ms, run));
    const node = await stage.readyStore({ url: redis.url, clock: { ...systemClock, after } });
    node.follow(chat, () => {});
    await node.read(chat, NOW, ALL);
    await redis.ask("PEXPIRE", "tailwire:{chat}", "60000");
    looks.shift()?.();
    await eventually("it has its time again", async () => Number(await redis.ask("PTTL", "tailwire:{chat}")) > 60_000);
  });

  it("has a subscription in Redis, and only one that nobody here needs has none", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url });
    const unfollow = store.follow(chat, () => {});
    await store.read(chat, NOW, ALL);
    expect(await redis.ask("PUBSUB", "CHANNELS")).toEqual(["tailwire:{chat}:live"]);
    unfollow();
    await eventually("it is gone", async () => ((await redis.ask("PUBSUB", "CHANNELS")) as unknown[]).length === 0);
  });

  it("gets the same order at every node, whichever published, and loses nothing", async () => {
    const redis = await stage.redis("--appendonly", "no");
    const hubs = [await stage.hub({ url: redis.url }), await stage.hub({ url: redis.url })];
    const readers = await Promise.all(hubs.map((hub) => Reader.open(hub)));
    await Promise.all(
      hubs.flatMap((hub, node) => Array.from({ length: 500 }, (_, index) => hub.publish("chat", `${node}.${index}`))),
    );
    for (const reader of readers) await eventually("all have arrived", () => reader.items.length === 1000);
    expect(readers[0]?.texts).toEqual(readers[1]?.texts);
    expect(new Set(readers[0]?.texts).size).toBe(1000);
    expect(readers[0]?.texts).not.toContain("gap: trimmed");
  });
});

function later(queue: (() => void)[], run: () => void): () => void {
  queue.push(run);
  return () => {};
}

describe.skipIf(redisIsMissing)("a Redis that has lost the newest events", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  /** As after a failover to a replica that was behind: 1, 2 and 3 were appended, and 3 is gone. */
  async function lose() {
    const redis = await stage.redis();
    const hub = await stage.hub({ url: redis.url });
    const reader = await Reader.open(hub);
    await hub.publish("chat", "1");
    await hub.publish("chat", "2");
    const keys = ["tailwire:{chat}", "tailwire:{chat}:log"];
    for (const key of keys) await redis.ask("COPY", key, `saved:${key}`);
    const lost = await hub.publish("chat", "3");
    await eventually("all three have arrived", () => reader.items.length === 3);
    for (const key of keys) await redis.ask("COPY", `saved:${key}`, key, "REPLACE");
    return { redis, hub, reader, lost };
  }

  it("begins a new epoch at the next append, since the old offsets were given out already", async () => {
    const { hub, reader, lost } = await lose();
    const { id } = await hub.publish("chat", "another 3");
    expect(id.split(":")[1]).toBe("3");
    expect(id).not.toBe(lost.id);
    await eventually("the gap is told, then what is left", () => reader.items.length === 7);
    expect(reader.texts).toEqual(["1", "2", "3", "gap: epoch", "1", "2", "another 3"]);
  });

  it("begins it at a read too, so that nobody is told that a position is ahead of the log", async () => {
    const { redis, hub, lost } = await lose();
    expect((await hub.cursor("chat")).split(":")[0]).not.toBe(lost.id.split(":")[0]);
    const elsewhere = await stage.hub({ url: redis.url });
    for await (const item of elsewhere.subscribe("chat", { from: lost.id })) {
      expect(item).toMatchObject({ type: "$gap", after: lost.id, lost: null, reason: "epoch" });
      break;
    }
  });

  it("begins it when the subscriptions are made again, with nothing asked: subscribers are told", async () => {
    const { redis, reader } = await lose();
    await redis.ask("CLIENT", "KILL", "TYPE", "pubsub");
    await eventually("the gap is told", () => reader.texts.includes("gap: epoch"));
  });

  it("tells of the new epoch also where events and position were lost apart, as when keys are evicted", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url });
    const first = await store.append(chat, text(1));
    await store.append(chat, text(2));
    await redis.ask("DEL", "tailwire:{chat}:log");
    const trimmed = await store.read(chat, { kind: "after", position: { ...first.position, offset: 0 } }, ALL);
    expect([trimmed.gap?.lost, trimmed.gap?.reason, trimmed.head.offset]).toEqual([2, "trimmed", 2]);
    await store.append(chat, text(3));
    await redis.ask("DEL", "tailwire:{chat}");
    const { position } = await store.append(chat, text(4));
    expect(position.offset).toBe(1);
    expect(position.epoch).not.toBe(first.position.epoch);
    expect(textsOf((await store.read(chat, { kind: "earliest" }, ALL)).events)).toEqual(["4"]);
  });
});

describe.skipIf(redisIsMissing)("what is in Redis", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  it("has names under the prefix, all of a channel in one slot, and each key an end", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url, prefix: "app1:" });
    await store.append(chat, text(1, "once"));
    await store.read("empty" as typeof chat, NOW, ALL);
    await store.append("dropped" as typeof chat, text(1));
    await store.purge("dropped" as typeof chat);
    const keys = (await redis.ask("KEYS", "*")) as string[];
    expect([...keys].sort()).toEqual([
      "app1:{chat}",
      "app1:{chat}:log",
      "app1:{chat}:once:once",
      "app1:{dropped}",
      "app1:{empty}",
    ]);
    for (const key of keys) expect(await redis.ask("PTTL", key), key).toBeGreaterThan(0);
  });

  it("goes by itself when its time is over, the position last", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url, retention: { maxAgeMs: 100 }, restMs: 200 });
    const { position } = await store.append(chat, text(1));
    await eventually("the events have gone", async () => (await redis.ask("EXISTS", "tailwire:{chat}:log")) === 0);
    expect((await store.read(chat, NOW, ALL)).head).toEqual(position);
    await eventually("all has gone", async () => (await redis.ask("DBSIZE")) === 0);
  });

  it("has no end where retention and rest have none", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url, retention: { maxAgeMs: Number.POSITIVE_INFINITY } });
    await store.read(chat, NOW, ALL);
    await store.append(chat, text(1));
    for (const key of (await redis.ask("KEYS", "*")) as string[]) expect(await redis.ask("PTTL", key), key).toBe(-1);
  });

  it("keeps two stores apart that share a Redis, by prefix or database", async () => {
    const redis = await stage.redis();
    const stores = [
      await stage.readyStore({ url: redis.url }),
      await stage.readyStore({ url: redis.url, prefix: "other:" }),
      await stage.readyStore({ url: `${redis.url}/3` }),
    ];
    const told = await Promise.all(
      stores.map(async (store) => {
        const events: ChannelEvent[] = [];
        store.follow(chat, (event) => events.push(event));
        await store.read(chat, NOW, ALL);
        return events;
      }),
    );
    const positions = await Promise.all(stores.map((store, index) => store.append(chat, text(index))));
    expect(new Set(positions.map(({ position }) => formatPosition(position))).size).toBe(3);
    await eventually("each is told of its own", () => told.every((events) => events.length > 0));
    expect(told.map(textsOf)).toEqual([["0"], ["1"], ["2"]]);
  });

  it("may lose the scripts: the next call but one has them again", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url });
    await store.append(chat, text(1));
    await redis.ask("SCRIPT", "FLUSH");
    expect(await codeOf(() => store.append(chat, text("refused")))).toBe("store_unavailable");
    await insist(() => store.append(chat, text(2)));
    expect(textsOf((await store.read(chat, { kind: "earliest" }, ALL)).events)).toEqual(["1", "2"]);
  });

  it("is left by a store that closes: no connection stays, and it says that it is closed", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url });
    store.follow(chat, () => {});
    const last = store.append(chat, text(1));
    await store.close?.();
    expect((await last).position.offset).toBe(1);
    await eventually("only this asking is connected", async () => {
      const clients =
        String(await redis.ask("CLIENT", "LIST", "TYPE", "normal")) +
        (await redis.ask("CLIENT", "LIST", "TYPE", "pubsub"));
      return clients.trim().split("\n").length === 1;
    });
    expect(await codeOf(() => store.append(chat, text(2)))).toBe("store_unavailable");
  });
});
