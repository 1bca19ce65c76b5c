/** The end of `tailwire serve` and the next begin, of one process and of several. */

import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { ConnectOptions, TransportName } from "../../src/client/index.ts";
import { eventually, turn } from "../../src/testing/waiting.ts";
import { nodeClient } from "../e2e/client/node-client.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { rawWebSocket } from "../e2e/raw-websocket.ts";
import { serve, tailwire } from "./programs.ts";

const TRANSPORTS: readonly TransportName[] = ["websocket", "sse", "stream", "long-poll", "poll"];
const OPTIONS: ConnectOptions = { WebSocket: WebSocket as unknown as typeof globalThis.WebSocket };
/** Longer than any test. */
const LONG = "--drain-ms=1000000";

function snapshotPlace(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tailwire-restart-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, "logs");
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

async function publish(url: string, body: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch(`${url}/channels/chat`, { method: "POST", body, headers });
  if (answer.status !== 201) throw new Error(`${answer.status}`);
  return ((await answer.json()) as { id: string }).id;
}

async function eventsOf(url: string, from = "earliest"): Promise<readonly Record<string, unknown>[]> {
  const answer = await fetch(`${url}/channels/chat?wait=0&from=${from}`);
  return ((await answer.json()) as { events: Record<string, unknown>[] }).events;
}

/** A publish that has begun. */
async function begunPublish(url: string) {
  const client = await rawConnection(portOf(url));
  client.send("POST /channels/chat HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nunder");
  await fetch(`${url}/healthz`);
  return client;
}

async function whenDraining(url: string): Promise<void> {
  await eventually("it is not ready", async () => (await fetch(`${url}/readyz`)).status === 503);
}

describe.each([
  ["one process", []],
  ["several processes", ["--workers=2"]],
] as const)("%s", (_, workers) => {
  const begin = (...args: string[]) => serve(...workers, ...args);

  it("hands its clients and logs over to the next: no event is lost or doubled, over any transport", async () => {
    const snapshot = `--snapshot=${snapshotPlace()}`;
    const options = [snapshot, "--drain-ms=200", "--max-events=1000000"];
    let { server, url } = await begin(...options);
    const port = `--port=${portOf(url)}`;
    const clients = TRANSPORTS.map((transport) => nodeClient(url, { ...OPTIONS, transports: [transport] }));
    for (const client of clients) client.subscribe("chat");
    await Promise.all(clients.map((client) => client.reaches("open")));
    await publish(url, "0");
    await Promise.all(clients.map((client) => client.count(1)));
    let published = 1;
    let stopped = false;
    const publisher = (async () => {
      while (!stopped) {
        // As a careful publisher does: the same again, under the same key, until it is answered.
        const sent = await publish(url, `${published}`, { "Idempotency-Key": `${published}` }).catch(() => undefined);
        if (sent === undefined) await turn();
        else published += 1;
      }
    })();
    for (let life = 0; life < 2; life += 1) {
      const before = published;
      await eventually("some are published", () => published > before + 20);
      expect(await server.kill("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
      ({ server, url } = await begin(...options, port));
      const after = published;
      await eventually("publishing goes on", () => published > after + 20);
      await Promise.all(clients.map((client) => client.count(after)));
    }
    stopped = true;
    await publisher;
    await Promise.all(clients.map((client) => client.count(published)));
    const all = Array.from({ length: published }, (_, index) => `${index}`);
    for (const client of clients) {
      expect(client.data()).toEqual(all);
      expect([client.of("gap"), new Set(client.events().map(({ id }) => id.split(":")[0])).size]).toEqual([[], 1]);
    }
  }, 60_000);

  it("answers a publish that is under way, takes others meanwhile, and refuses who subscribes", async () => {
    const snapshot = `--snapshot=${snapshotPlace()}`;
    const { server, url } = await begin(snapshot, LONG);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const client = await begunPublish(url);
    server.process.kill("SIGTERM");
    await whenDraining(url);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const refused = await fetch(`${url}/channels/chat`);
    expect([refused.status, refused.headers.get("retry-after"), (await refused.json()) as unknown]).toMatchObject([
      503,
      "1",
      { code: "shutting_down" },
    ]);
    const first = await publish(url, "meanwhile");
    client.send("-way!");
    const answer = await client.response();
    expect(answer.status).toBe(201);
    expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
    const next = await begin(snapshot);
    expect(await eventsOf(next.url)).toMatchObject([
      { id: first, data: "meanwhile" },
      { id: answer.json().id, data: "under-way!" },
    ]);
  });

  it("ends at once where nobody is connected, whatever the time of the drain", async () => {
    const { server, url } = await begin(LONG);
    const [idle, silent] = [await rawConnection(portOf(url)), await rawConnection(portOf(url))];
    await idle.request("GET", "/healthz").response();
    expect(await server.kill("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
    expect([await idle.rest(), await silent.rest()]).toEqual(["", ""]);
  });

  it("ends as soon as all are told, whatever the time of the drain", async () => {
    const { server, url } = await begin(LONG);
    const [stream, poll] = [await rawConnection(portOf(url)), await rawConnection(portOf(url))];
    stream.request("GET", "/channels/chat");
    await stream.head();
    expect(await stream.message()).toMatchObject({ type: "$open" });
    poll.request("GET", "/channels/chat?wait=60&from=earliest");
    await publish(url, "x");
    expect(await stream.message()).toMatchObject({ data: "x" });
    expect((await poll.response()).json()).toMatchObject({ events: [{ data: "x" }] });
    const ended = server.kill("SIGTERM");
    const close = await stream.message();
    expect(close).toMatchObject({ type: "$close", code: 1012 });
    expect(close.reconnectMs).toBeLessThanOrEqual(1_000_000);
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("lets a raw WebSocket go within the time of the drain", async () => {
    const { server, url } = await begin("--drain-ms=100");
    const socket = await rawWebSocket(portOf(url), "/channels/chat");
    const ended = server.kill("SIGTERM");
    expect(await socket.closeCode()).toBe(1012);
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends at once with a second signal, and hands nothing over", async () => {
    const place = snapshotPlace();
    const { server, url } = await begin(LONG, `--snapshot=${place}`);
    await begunPublish(url);
    let ended = false;
    void server.ended.then(() => {
      ended = true;
    });
    // One that comes soon is the same one, so there are many.
    while (!ended) {
      server.process.kill("SIGTERM");
      await turn();
    }
    expect(await server.ended).toMatchObject({ code: 143 });
    expect(existsSync(place)).toBe(false);
  });

  it("hands over what is there, in a file that only its user may read, with nothing beside it", async () => {
    const place = snapshotPlace();
    const { server, url } = await begin(`--snapshot=${place}`);
    await publish(url, "hello");
    await server.kill("SIGTERM");
    expect(statSync(place).mode & 0o777).toBe(0o600);
    expect(readFileSync(place, "utf8")).toMatch(/^tailwire snapshot 1\n.*"hello"\]\n.*end [0-9a-f]{8}\n$/s);
    expect(existsSync(`${place}.tmp`)).toBe(false);
  });

  it("never begins twice from the same file: after a crash the epoch is another", async () => {
    const place = snapshotPlace();
    const snapshot = `--snapshot=${place}`;
    const first = await begin(snapshot);
    const id = await publish(first.url, "1");
    await first.server.kill("SIGTERM");
    const second = await begin(snapshot);
    expect(existsSync(place)).toBe(false);
    const lost = await publish(second.url, "2");
    expect(lost).toBe(id.replace(/:1$/, ":2"));
    await second.server.kill("SIGKILL");
    const third = await begin(snapshot);
    expect(await publish(third.url, "other")).not.toMatch(new RegExp(`^${id.split(":")[0]}:`));
    expect(await eventsOf(third.url, id)).toMatchObject([{ type: "$gap", reason: "epoch" }, { data: "other" }]);
  });

  it.each<[string, string | undefined, RegExp]>([
    [
      "damaged",
      undefined,
      /the snapshot \S+ cannot be used: it is damaged or cut off; without it the logs begin empty/,
    ],
    ["of a newer format", "tailwire snapshot 2\n{}\n", /: it has format 2, and this version reads format 1 only;/],
    ["something else", "hello, this is a letter\n", /: it is no snapshot of tailwire's;/],
  ])("says that a snapshot is %s, before it listens, and leaves it there", async (_name, content, why) => {
    const place = snapshotPlace();
    writeFileSync(place, content ?? (await cutSnapshot()));
    const before = readFileSync(place);
    const { code, stdout, stderr } = await tailwire(["serve", "--port=0", ...workers], { TAILWIRE_SNAPSHOT: place })
      .ended;
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^tailwire: .*\n$/);
    expect(stderr).toMatch(why);
    expect(readFileSync(place)).toEqual(before);
  });

  it("refuses a place that is a folder", async () => {
    const folder = path.dirname(snapshotPlace());
    const { code, stderr } = await tailwire(["serve", "--port=0", ...workers, "--snapshot", folder]).ended;
    expect([code, stderr]).toEqual([2, `tailwire: the snapshot ${folder} cannot be read: EISDIR\n`]);
  });

  it("leaves the snapshot where it is when it cannot listen", async () => {
    const place = snapshotPlace();
    await (await begin(`--snapshot=${place}`)).server.kill("SIGTERM");
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code } = await tailwire(["serve", `--port=${port}`, `--snapshot=${place}`, ...workers]).ended;
    other.close();
    expect([code, existsSync(place)]).toEqual([1, true]);
  });

  it("says so, and ends with code 1, where the logs cannot be handed over", async () => {
    const place = snapshotPlace();
    const { server, url } = await begin(`--snapshot=${place}`);
    await publish(url, "x");
    rmSync(path.dirname(place), { recursive: true });
    const { code, stderr } = await server.kill("SIGTERM");
    expect([code, stderr]).toEqual([
      1,
      `tailwire: the snapshot ${place} could not be written, so the logs are lost: ENOENT\n`,
    ]);
  });

  async function cutSnapshot(): Promise<Buffer> {
    const place = snapshotPlace();
    const { server, url } = await begin(`--snapshot=${place}`);
    await publish(url, "x");
    await server.kill("SIGTERM");
    return readFileSync(place).subarray(0, -30);
  }
});
