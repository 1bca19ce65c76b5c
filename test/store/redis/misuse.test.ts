/** A store that can never work says why, when it is made or by `ready`. */

import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type RedisStoreOptions, redisStore } from "../../../src/store/redis/index.ts";
import { redisIsMissing } from "./redis-server.ts";
import { chat, codeOf, insist, Stage, text } from "./stage.ts";

describe("a Redis store that makes no sense", () => {
  it.each<[string, RedisStoreOptions, RegExp]>([
    ["without a place", {}, /^one of url, client, sentinel and cluster says where Redis is; none is given$/],
    ["with two places", { url: "redis://a", client: {} }, /url and client are given$/],
    ["with a URL that is none", { url: "127.0.0.1:6379" }, /^this URL makes no sense \(a Redis URL is redis:/],
    ["with another scheme", { url: "http://127.0.0.1" }, /^the URL begins with http:\/\//],
    ["without a host", { url: "redis://" }, /names no host/],
    ["with a path that is no database", { url: "redis://127.0.0.1/news" }, /number of a database, not \/news/],
    ["with such a URL for node-redis", { client: { url: "redis://127.0.0.1/x" } }, /number of a database/],
    ["with a prefix that breaks hash tags", { url: "redis://a", prefix: "{x}" }, /^prefix is/],
    ["with a retention that is none", { url: "redis://a", retention: { maxEvents: -1 } }, /^maxEvents/],
    ["with a rest that is none", { url: "redis://a", restMs: Number.NaN }, /^restMs is a number of at least 0/],
    ["with no time", { url: "redis://a", timeoutMs: 0 }, /^timeoutMs is a number of at least 1/],
  ])("%s is refused when it is made", async (_, options, message) => {
    expect(() => redisStore(options)).toThrow(message);
    expect(await codeOf(() => redisStore(options))).toBe("misuse");
  });
});

describe.skipIf(redisIsMissing)("a Redis that the store cannot work with", () => {
  const stage = new Stage();
  afterEach(() => stage.end());

  async function complaint(options: RedisStoreOptions): Promise<string> {
    const store = stage.store(options);
    const error = await Promise.resolve(store.ready()).catch((failure) => failure);
    expect(error).toMatchObject({ code: "misuse" });
    expect(error.message).not.toContain("wrong-password");
    return error.message;
  }

  it("asks for a password", async () => {
    const redis = await stage.redis("--requirepass", "secret");
    expect(await complaint({ url: redis.url })).toMatch(/^127\.0\.0\.1:\d+: it asks for a password: redis:\/\//);
    const wrong = { url: `redis://:wrong-password@127.0.0.1:${redis.port}` };
    expect(await complaint(wrong)).toMatch(/the username or password is wrong/);
    await stage.readyStore({ url: `redis://:secret@127.0.0.1:${redis.port}` });
  });

  it("has no such database", async () => {
    const redis = await stage.redis();
    expect(await complaint({ url: `${redis.url}/99` })).toMatch(
      /there is no such database \(ERR DB index is out of range\)$/,
    );
  });

  it("is a node of a Cluster, or a Sentinel, or neither", async () => {
    const [node, alone] = [await stage.redis("--cluster-enabled", "yes"), await stage.redis()];
    expect(await complaint({ url: node.url })).toMatch(/is a node of a Cluster: give cluster/);
    const sentinel = await stage.sentinel("sentinel monitor logs 127.0.0.1 1 1");
    expect(await complaint({ url: sentinel.url })).toMatch(/is a Sentinel: give sentinel/);
    expect(await complaint({ cluster: { rootNodes: [{ url: alone.url }] } })).toMatch(/is no node of a Cluster/);
    const sentinelRootNodes = [{ host: "127.0.0.1", port: alone.port }];
    expect(await complaint({ sentinel: { name: "logs", sentinelRootNodes } })).toMatch(/is no Sentinel/);
  });

  it("does not let its user do what the store needs", async () => {
    const redis = await stage.redis();
    await redis.ask("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+hello", "+ping");
    expect(await complaint({ url: `redis://reader:secret@127.0.0.1:${redis.port}` })).toMatch(/this user may not do/);
  });

  it("is away to publishers, and works when it has been set right", async () => {
    const redis = await stage.redis("--requirepass", "secret");
    const store = stage.store({ url: redis.url });
    expect(await codeOf(() => store.append(chat, text(1)))).toBe("store_unavailable");
    await redis.ask("CONFIG", "SET", "requirepass", "");
    await insist(() => store.append(chat, text(1)));
    await store.ready();
  });
});

describe("a server that is older than Redis 7", () => {
  it.each([
    ["knows no RESP3", () => "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n"],
    ["says so", (command: string) => (command === "INFO" ? bulk("# Server\r\nredis_version:6.2.14\r\n") : "+OK\r\n")],
  ])("is refused where it %s", async (_, answer) => {
    const server = createServer((socket) => {
      socket.setEncoding("utf8").on("data", (sent: string) => {
        for (const [, command] of sent.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) socket.write(answer(command ?? ""));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const store = redisStore({ url: `redis://127.0.0.1:${port}`, timeoutMs: 10_000 });
    await expect(store.ready()).rejects.toThrow(/it is older than Redis 7/);
    await store.close?.();
    server.close();
  });
});

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
