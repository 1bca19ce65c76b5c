/** `tailwire serve --store`: what outlives the process, what several share, and what ends the start. */

import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { storePlace } from "../../src/cli/store-place.ts";
import { eventually } from "../../src/testing/waiting.ts";
import { makeFolder } from "../store/disk/folder.ts";
import { RedisServer, redisIsMissing } from "../store/redis/redis-server.ts";
import { MAIN, Program, serve, tailwire } from "./programs.ts";

async function publish(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/channels/chat`, { method: "POST", body, headers });
}

async function idOf(answer: Promise<Response>): Promise<string> {
  return ((await (await answer).json()) as { id: string }).id;
}

async function dataFrom(url: string, from: string): Promise<readonly unknown[]> {
  const answer = await fetch(`${url}/channels/chat?wait=0&from=${from}`);
  return ((await answer.json()) as { events: { data?: unknown; type: string }[] }).events.map(
    ({ data, type }) => data ?? type,
  );
}

describe("--store", () => {
  it.each([
    ["memory:", { kind: "memory" }],
    ["disk:", { kind: "disk", path: ".tailwire" }],
    ["disk:/var/lib/tailwire", { kind: "disk", path: "/var/lib/tailwire" }],
    ["redis://localhost", { kind: "redis", url: "redis://localhost" }],
    ["rediss://u:p@h:6380/2", { kind: "redis", url: "rediss://u:p@h:6380/2" }],
  ])("takes %s", (text, place) => {
    expect(storePlace(text)).toEqual(place);
  });

  it.each(["nonsense", "redis:", "http://127.0.0.1:6379", "/var/lib"])(
    "refuses %s with status 2, before anything listens",
    async (text) => {
      const { code, stderr, stdout } = await tailwire(["serve", "--port", "0", "--store", text]).ended;
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^tailwire: .*--store.*\n$/);
    },
  );
});

describe("--store disk:", () => {
  it.each([1, 2])(
    "with %i workers has every event after kill -9, in the same epoch, and its idempotency keys",
    async (workers) => {
      const args = ["--store", `disk:${makeFolder()}`, "--workers", String(workers)];
      const first = await serve(...args);
      const begun = await idOf(publish(first.url, "1"));
      const once = await idOf(publish(first.url, "2", { "Idempotency-Key": "a" }));
      await first.server.kill("SIGKILL");
      const second = await serve(...args);
      expect(await dataFrom(second.url, begun)).toEqual(["2"]);
      expect(await idOf(publish(second.url, "2", { "Idempotency-Key": "a" }))).toBe(once);
      await publish(second.url, "3");
      expect(await dataFrom(second.url, begun)).toEqual(["2", "3"]);
    },
  );

  it("is what is kept where nothing is said, in .tailwire under the working directory", async () => {
    const cwd = makeFolder();
    const server = new Program(process.execPath, [MAIN, "serve", "--port", "0"], { TAILWIRE_STORE: "" }, { cwd });
    const [, url = ""] = await server.prints(/^tailwire listening on (\S+)\n/);
    expect((await publish(url, "x")).status).toBe(201);
    expect(existsSync(path.join(cwd, ".tailwire", "data.mdb"))).toBe(true);
    expect((await server.kill("SIGTERM")).code).toBe(0);
  });

  it("in a folder that cannot be used ends with status 2 and says why", async () => {
    const file = path.join(makeFolder(), "file");
    writeFileSync(file, "");
    const { code, stderr } = await tailwire(["serve", "--port", "0", "--store", `disk:${file}`]).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^tailwire: the disk store cannot be opened in .*Name a folder\n$/);
  });

  it("does not go with --snapshot", async () => {
    const args = ["serve", "--port", "0", "--store", `disk:${makeFolder()}`, "--snapshot", "/tmp/x"];
    const { code, stderr } = await tailwire(args).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining("--store memory:")]);
  });

  it("ends also where the port is taken", async () => {
    const { url } = await serve();
    const args = ["serve", "--port", new URL(url).port, "--store", `disk:${makeFolder()}`];
    const { code, stderr } = await tailwire(args).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining("in use")]);
  });
});

describe.skipIf(redisIsMissing)("--store redis://", () => {
  async function startRedis(...args: string[]): Promise<RedisServer> {
    const redis = await RedisServer.start(args);
    onTestFinished(() => redis.end());
    return redis;
  }

  it("is shared by several servers: what is published at one is read at the other", async () => {
    const { url: store } = await startRedis();
    const [a, b] = await Promise.all([serve("--store", store), serve("--store", store, "--workers", "2")]);
    const begun = await idOf(publish(a.url, "1"));
    await publish(b.url, "2");
    await publish(a.url, "3");
    expect(await dataFrom(b.url, begun)).toEqual(["2", "3"]);
    expect(await dataFrom(a.url, begun)).toEqual(["2", "3"]);
  });

  it("that goes away makes publishes 503 and /readyz too, and all goes on when it is back", async () => {
    const redis = await startRedis();
    const { url } = await serve("--store", redis.url);
    await publish(url, "before");
    await redis.kill();
    await eventually("it is not ready", async () => (await fetch(`${url}/readyz`)).status === 503);
    const refused = await publish(url, "lost");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await redis.start();
    await eventually("it is ready", async () => (await fetch(`${url}/readyz`)).status === 200);
    expect((await publish(url, "after")).status).toBe(201);
    expect(await dataFrom(url, "earliest")).toEqual(["before", "after"]);
  });

  it("that is not there yet is waited for, with a warning", async () => {
    const redis = await startRedis();
    await redis.kill();
    const { server, url } = await serve("--store", redis.url);
    expect(server.stderr).toMatch(/^tailwire: warning: .*503\n$/);
    expect((await publish(url, "x")).status).toBe(503);
    await redis.start();
    await eventually("it publishes", async () => (await publish(url, "x")).status === 201);
  });

  it.each([
    ["asks for a password", ["--requirepass", "secret"], "", /password/],
    ["has no such database", [], "/99", /no such database/],
  ])("that %s ends the start with status 2", async (_, args, database, why) => {
    const redis = await startRedis(...args);
    const { code, stderr } = await tailwire(["serve", "--port", "0", "--store", redis.url + database]).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(why);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
