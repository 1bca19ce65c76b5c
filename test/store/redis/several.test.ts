/** Several Redis servers: a Cluster whose slots move, and Sentinels that name another master. */

import { afterEach, describe, expect, it } from "vitest";
import type { ChannelEvent } from "../../../src/core/event.ts";
import { slotOf } from "../../../src/store/redis/keys.ts";
import { eventually } from "../../../src/testing/waiting.ts";
import { type RedisServer, redisIsMissing, startCluster } from "./redis-server.ts";
import { ALL, chat, insist, Reader, Stage, text, textsOf } from "./stage.ts";

const NOW = { kind: "now" } as const;
const EARLIEST = { kind: "earliest" } as const;

describe.skipIf(redisIsMissing)("a Cluster", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  async function start() {
    const nodes = await startCluster();
    for (const node of nodes) stage.onEnd(() => node.end());
    const options = { cluster: { rootNodes: nodes.map(({ url }) => ({ url })) } };
    // chat has slot 14028, so it is the third node's.
    return { nodes, options, store: await stage.readyStore(options) };
  }

  it("moves a slot: its log goes on at the other node, and its followers are told of all", async () => {
    const { nodes, options, store } = await start();
    const other = await stage.readyStore(options);
    const told: ChannelEvent[] = [];
    store.follow(chat, (event) => told.push(event));
    await store.read(chat, NOW, ALL);
    const { position } = await store.append(chat, text(1));
    await moveSlot(nodes, slotOf(chat));
    await insist(() => other.append(chat, text(2)));
    const third = await insist(() => store.append(chat, text(3)));
    expect(third.position).toEqual({ ...position, offset: 3 });
    await eventually("the follower is told", () => told.length === 3);
    expect(textsOf(told)).toEqual(["1", "2", "3"]);
    expect(await nodes[0]?.ask("PUBSUB", "SHARDCHANNELS")).toEqual(["tailwire:{chat}:live"]);
  });

  it("loses a node: the others' channels go on, and its own when it is back", async () => {
    const { nodes, store } = await start();
    const [, , owner] = nodes;
    const elsewhere = ["a", "b", "c", "d", "e", "f", "g"].find(
      (name) => slotOf(name as typeof chat) < 10_923,
    ) as typeof chat;
    await store.append(chat, text(1));
    await owner?.kill();
    await expect(store.append(chat, text(2))).rejects.toMatchObject({ code: "store_unavailable" });
    await store.append(elsewhere, text("goes on"));
    await owner?.start();
    await insist(() => store.append(chat, text(3)));
    const { events } = await insist(() => store.read(chat, EARLIEST, ALL));
    expect(textsOf(events)).toEqual(["1", "3"]);
  });
});

describe.skipIf(redisIsMissing)("Sentinels", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  it("name another master when theirs dies: publishers and subscribers go on there", async () => {
    const master = await stage.redis("--repl-diskless-sync-delay", "0");
    const replica = await stage.redis("--replicaof", "127.0.0.1", String(master.port));
    const sentinel = await stage.sentinel(
      `sentinel monitor logs 127.0.0.1 ${master.port} 1`,
      "sentinel down-after-milliseconds logs 300",
      "sentinel failover-timeout logs 3000",
    );
    const options = { sentinel: { name: "logs", sentinelRootNodes: [{ host: "127.0.0.1", port: sentinel.port }] } };
    const hub = await stage.hub(options);
    const reader = await Reader.open(hub);
    await hub.publish("chat", "1");
    await eventually("the replica has it", async () => (await replica.ask("EXISTS", "tailwire:{chat}:log")) === 1);
    await eventually("the Sentinel knows the replica", async () =>
      String(await sentinel.ask("INFO", "sentinel")).includes("slaves=1"),
    );
    await master.kill();
    await insist(() => hub.publish("chat", "2"));
    await eventually("both have arrived", () => reader.items.length === 2);
    expect(reader.texts).toEqual(["1", "2"]);
    expect(await replica.ask("HGET", "tailwire:{chat}", "newest")).toBe("2");
  });
});

/** Moves a slot from the third to the first node, with what is in it, as `redis-cli --cluster reshard` does. */
async function moveSlot(nodes: readonly RedisServer[], slot: number): Promise<void> {
  const [to, , from] = nodes as [RedisServer, RedisServer, RedisServer];
  const ids = await Promise.all([from, to].map(async (node) => String(await node.ask("CLUSTER", "MYID"))));
  const [fromId, toId] = ids as [string, string];
  await to.ask("CLUSTER", "SETSLOT", String(slot), "IMPORTING", fromId);
  await from.ask("CLUSTER", "SETSLOT", String(slot), "MIGRATING", toId);
  const keys = (await from.ask("CLUSTER", "GETKEYSINSLOT", String(slot), "100")) as string[];
  await from.ask("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys);
  for (const node of [to, from, ...nodes]) await node.ask("CLUSTER", "SETSLOT", String(slot), "NODE", toId);
}
