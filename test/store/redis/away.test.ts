/** Redis goes away and comes back: what is refused meanwhile, and that nothing is lost, doubled or told falsely. */

import { afterEach, describe, expect, it } from "vitest";
import type { ChannelEvent } from "../../../src/core/event.ts";
import { eventually } from "../../../src/testing/waiting.ts";
import { redisIsMissing } from "./redis-server.ts";
import { ALL, chat, codeOf, insist, Reader, Stage, text, textsOf } from "./stage.ts";

const NOW = { kind: "now" } as const;
const EARLIEST = { kind: "earliest" } as const;

describe.skipIf(redisIsMissing)("a Redis that is away", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  it("is said to be away by appends, reads, purges and ready, and by none once it is back", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url });
    await redis.kill();
    const calls = [
      () => store.append(chat, text(1)),
      () => store.read(chat, NOW, ALL),
      () => store.purge(chat),
      () => store.ready(),
    ];
    for (const call of calls) expect(await codeOf(call)).toBe("store_unavailable");
    await redis.start();
    await insist(() => store.ready());
    for (const call of calls) expect(await codeOf(call)).toBe("none");
  });

  it("may be away when the store is made", async () => {
    const redis = await stage.redis();
    await redis.kill();
    const store = stage.store({ url: redis.url });
    const told: ChannelEvent[] = [];
    store.follow(chat, (event) => told.push(event));
    expect(await codeOf(() => store.ready())).toBe("store_unavailable");
    expect(await codeOf(() => store.append(chat, text(1)))).toBe("store_unavailable");
    await redis.start();
    await insist(() => store.read(chat, NOW, ALL));
    await store.append(chat, text(2));
    await eventually("the follower is told", () => told.length === 1);
    expect(textsOf(told)).toEqual(["2"]);
  });

  it("is killed and comes back with its data: publishers and subscribers go on, nothing lost, nothing twice", async () => {
    const redis = await stage.redis();
    const hubs = [await stage.hub({ url: redis.url }), await stage.hub({ url: redis.url })];
    const readers = await Promise.all(hubs.map((hub) => Reader.open(hub)));
    const numbers = Array.from({ length: 300 }, (_, index) => String(index));
    for (const number of numbers) {
      const publish = () => hubs[0]?.publish("chat", number, { idempotencyKey: number });
      if (number === "100") {
        await redis.kill();
        expect(await codeOf(publish)).toBe("store_unavailable");
        await redis.start();
      }
      const restarted = number === "200" ? restart(redis) : undefined;
      await insist(publish);
      await restarted;
    }
    for (const reader of readers) {
      await eventually("all have arrived", () => reader.items.length >= 300);
      expect(reader.texts).toEqual(numbers);
    }
  });

  it("is killed and comes back without its data: a new epoch, and the gap is told", async () => {
    const redis = await stage.redis();
    const hub = await stage.hub({ url: redis.url });
    const reader = await Reader.open(hub);
    const old = await hub.publish("chat", "before");
    await eventually("it is told before", () => reader.items.length === 1);
    await redis.kill();
    redis.loseData();
    await redis.start();
    const { id } = await insist(() => hub.publish("chat", "after"));
    expect(id.split(":")[1]).toBe("1");
    expect(id.split(":")[0]).not.toBe(old.id.split(":")[0]);
    await eventually("the gap and the event have arrived", () => reader.items.length === 3);
    expect(reader.texts).toEqual(["before", "gap: epoch", "after"]);
    const late: unknown[] = [];
    for await (const item of hub.subscribe("chat", { from: old.id })) {
      late.push("id" in item ? item.id : item);
      if (late.length === 2) break;
    }
    expect(late).toMatchObject([{ type: "$gap", after: old.id, lost: null, reason: "epoch" }, id]);
  });

  it("hangs: calls are refused, and when it goes on so does all else, with nothing told twice", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url, timeoutMs: 500 });
    const hub = await stage.hub({ url: redis.url, timeoutMs: 500 });
    const reader = await Reader.open(hub);
    await insist(() => store.append(chat, text("before", "once")));
    await eventually("it is told", () => reader.items.length === 1);
    redis.suspend();
    try {
      expect(await codeOf(() => store.append(chat, text("lost sight of")))).toBe("store_unavailable");
      expect(await codeOf(() => store.append(chat, text("refused")))).toBe("store_unavailable");
      expect(await codeOf(() => store.read(chat, NOW, ALL))).toBe("store_unavailable");
      expect(await codeOf(() => store.ready())).toBe("store_unavailable");
    } finally {
      redis.resume();
    }
    await insist(() => store.append(chat, text("after", "once more")));
    const kept = textsOf((await insist(() => store.read(chat, EARLIEST, ALL))).events);
    // Redis had it in a buffer, and may have done it when it went on: nobody knew. It is not sent a second time.
    expect([...kept].filter((each) => each === "lost sight of").length).toBeLessThanOrEqual(1);
    expect(kept.filter((each) => each !== "lost sight of")).toEqual(["before", "after"]);
    await eventually("all have arrived", () => reader.items.length === kept.length);
    expect(reader.texts).toEqual(kept);
  });

  it("hangs while nobody asks: that is noticed all the same", async () => {
    const redis = await stage.redis();
    const store = await stage.readyStore({ url: redis.url, timeoutMs: 200 });
    redis.suspend();
    try {
      await eventually("it counts as away", async () => (await codeOf(() => store.append(chat, text("x")))) !== "none");
    } finally {
      redis.resume();
    }
    await insist(() => store.ready());
  });
});

async function restart(redis: { kill(): Promise<void>; start(): Promise<void> }): Promise<void> {
  await redis.kill();
  await redis.start();
}
