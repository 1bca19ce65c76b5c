import { afterAll, beforeAll, describe, test } from "vitest";
import { settingsOf } from "../../../src/store/redis/options.ts";
import { RedisStore } from "../../../src/store/redis/redis-store.ts";
import { type MakeStore, storeSuite } from "../../../src/testing/index.ts";
import { RedisServer, redisIsMissing, startCluster } from "./redis-server.ts";

/** Redis' own time, and what was added to it. */
const SHIFTED =
  "redis.call('TIME')[1] * 1000 + math.floor(redis.call('TIME')[2] / 1000) + (redis.call('GET', 'shift') or 0)";

describe.skipIf(redisIsMissing)("the Redis store, at one Redis", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start(["--appendonly", "no"]);
  });
  afterAll(() => server.end());

  const make: MakeStore = async ({ retention = {} }) => {
    await server.ask("FLUSHALL");
    const open = async () => {
      const store = new RedisStore(settingsOf({ url: server.url, retention, timeoutMs: 10_000 }, SHIFTED));
      stores.push(store);
      await store.ready();
      return store;
    };
    const stores: RedisStore[] = [];
    return {
      store: await open(),
      join: open,
      advance: (ms) => advance(server, ms),
      close: async () => void (await Promise.all(stores.map((store) => store.close()))),
    };
  };
  for (const { name, run } of storeSuite(make, ["purge", "join", "advance"])) test(name, run);
});

describe.skipIf(redisIsMissing)("the Redis store, at a Cluster", () => {
  let nodes: readonly RedisServer[] = [];
  beforeAll(async () => {
    nodes = await startCluster();
  });
  afterAll(() => Promise.all(nodes.map((node) => node.end())));

  const make: MakeStore = async ({ retention = {} }) => {
    await Promise.all(nodes.map((node) => node.ask("FLUSHALL")));
    const stores: RedisStore[] = [];
    const open = async () => {
      const store = new RedisStore(
        settingsOf({ timeoutMs: 10_000, cluster: { rootNodes: nodes.map(({ url }) => ({ url })) }, retention }),
      );
      stores.push(store);
      await store.ready();
      return store;
    };
    return {
      store: await open(),
      join: open,
      close: async () => void (await Promise.all(stores.map((s) => s.close()))),
    };
  };
  for (const { name, run } of storeSuite(make, ["purge", "join"])) test(name, run);
});

/** Moves the time of the scripts, and brings the end of each key nearer by as much. */
async function advance(server: RedisServer, ms: number): Promise<void> {
  await server.ask("EVAL", ADVANCE, "0", String(ms));
}

const ADVANCE = `
redis.call('INCRBY', 'shift', ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, math.max(left - ARGV[1], 0)) end
end`;
