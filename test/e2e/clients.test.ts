/** Real clients: curl on every HTTP transport, and the npm packages `eventsource` and `ws`. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { cuttingProxy } from "./cutting-proxy.ts";
import { type Queue, queue } from "./queue.ts";
import { realPart } from "./real-parts.ts";
import { dataOf, serve } from "./serve.ts";

const curl = realPart("curl");

/** How curl is told to speak; with `--http2` it asks for h2c in each request. */
const VERSIONS: readonly (readonly [string, readonly string[]])[] = [
  ["", []],
  ["with --http2", ["--http2"]],
  ["with --http1.0", ["--http1.0"]],
];
const PERSISTENT = VERSIONS.slice(0, 2);

/** curl under way; `-sS` keeps its progress out of the way. */
class Curl {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<number>;

  constructor(args: readonly string[]) {
    this.child = spawn(curl.path, ["-sS", ...args], { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.child;
    if (stdout === null) throw new Error("curl has no output");
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.ended = once(this.child, "close").then(([code]) => code as number);
    onTestFinished(async () => {
      this.child.kill();
      await this.ended;
    });
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("curl ended");
    return value as string;
  }

  async json(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.line()) as Record<string, unknown>;
  }

  /** What it prints to its end, which must be a good one. */
  async all(): Promise<string> {
    const lines: string[] = [];
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) lines.push(next.value);
    expect(await this.ended).toBe(0);
    return lines.join("\n");
  }
}

describe.skipIf(curl.missing)("curl", () => {
  it.each([...VERSIONS, ["with --compressed", ["--compressed"]] as const])(
    "-N reads a stream as it comes %s",
    async (_, args) => {
      const { url, hub } = await serve();
      await hub.publish("news", "before");
      const reader = new Curl(["-N", ...args, `${url}/channels/news?from=-1`]);
      expect(await reader.json()).toMatchObject({ type: "$open", transport: "stream" });
      expect(await reader.json()).toMatchObject({ data: "before" });
      for (const text of ["one", "two"]) {
        await hub.publish("news", text);
        expect(await reader.json()).toMatchObject({ data: text });
      }
      await hub.close();
      expect(await reader.json()).toMatchObject({ type: "$close", code: 1001 });
      expect(await reader.all()).toBe("");
    },
  );

  it.each(VERSIONS)("-N reads SSE as it comes %s", async (_, args) => {
    const { url, hub } = await serve();
    const reader = new Curl(["-N", ...args, "-H", "Accept: text/event-stream", `${url}/channels/news`]);
    expect(await reader.line()).toBe("event: $open");
    for (const start of ["data: {", "id: ", ""]) expect((await reader.line()).startsWith(start)).toBe(true);
    const { id } = await hub.publish("news", "a\nb", { type: "greeting" });
    for (const line of ["event: greeting", "data: a", "data: b", `id: ${id}`, ""])
      expect(await reader.line()).toBe(line);
  });

  it.each(VERSIONS)("long polls %s", async (_, args) => {
    const { url, hub, store } = await serve();
    const waiting = new Curl([...args, "-H", "Accept: application/json", `${url}/channels/news`]);
    await store.whenFollowed(1);
    await hub.publish("news", "hello");
    expect(JSON.parse(await waiting.all())).toMatchObject({ events: [{ data: "hello" }] });
  });

  it.each(VERSIONS)("polls %s, with its cursor and with its ETag", async (_, args) => {
    const { url, hub } = await serve();
    await hub.publish("news", "hello");
    const first = JSON.parse(await new Curl([...args, `${url}/channels/news?wait=0&from=earliest`]).all());
    expect(first).toMatchObject({ events: [{ data: "hello" }] });
    const again = JSON.parse(await new Curl([...args, `${url}/channels/news?wait=0&from=${first.cursor}`]).all());
    expect(again).toEqual({ cursor: first.cursor, events: [] });
    const tag = ["-H", `If-None-Match: "${first.cursor}"`];
    expect(await new Curl([...args, ...tag, "-w", "%{http_code}", `${url}/channels/news?wait=0`]).all()).toBe("304");
  });

  it.each(VERSIONS)("publishes in all four forms %s", async (_, args) => {
    const { url } = await serve();
    const forms: readonly (readonly [readonly string[], string])[] = [
      [[], "hello"],
      [["-H", "Content-Type: application/json"], '{"a":1}'],
      [["-H", "Content-Type: application/octet-stream"], "bytes"],
      [["-H", "Content-Type: application/x-ndjson"], '1\n"two"\n'],
    ];
    for (const [headers, body] of forms) {
      const answer = await new Curl([...args, ...headers, "--data-binary", body, `${url}/channels/news`]).all();
      expect(JSON.parse(answer)).toMatchObject({ channel: "news" });
    }
    expect(await dataOf(url, "news")).toEqual(["hello", { a: 1 }, "Ynl0ZXM=", 1, "two"]);
  });

  it.each(PERSISTENT)("publishes a body that it asks leave for (Expect: 100-continue) %s", async (_, args) => {
    const { url } = await serve();
    const expecting = [...args, "-H", "Expect: 100-continue", "--data-binary", "@-"];
    const publisher = new Curl([...expecting, `${url}/channels/news`]);
    publisher.child.stdin?.end("x".repeat(500_000));
    expect(JSON.parse(await publisher.all())).toMatchObject({ channel: "news" });
    expect((await dataOf(url, "news")).map((data) => String(data).length)).toEqual([500_000]);
    const tooLarge = new Curl([...expecting, "-w", "\n%{http_code}", `${url}/channels/news`]);
    tooLarge.child.stdin?.end("x".repeat(1_500_000));
    expect(await tooLarge.all()).toMatch(/event_too_large.*\s+413$/);
  });

  it.each(PERSISTENT)("-T - publishes line by line from a pipe that stays open %s", async (_, args) => {
    const { url, hub } = await serve();
    const events = hub.subscribe("news");
    const first = events.next();
    const publisher = new Curl([
      ...[...args, "-X", "POST", "-T", "-", "-H", "Expect:"],
      ...["-H", "Content-Type: application/x-ndjson", `${url}/channels/news`],
    ]);
    publisher.child.stdin?.write("1\n");
    expect((await first).value).toMatchObject({ data: 1 });
    publisher.child.stdin?.write("2\n");
    expect((await events.next()).value).toMatchObject({ data: 2 });
    publisher.child.stdin?.end("3");
    expect(JSON.parse(await publisher.all())).toMatchObject({ count: 3 });
    await events.return?.();
  });

  it("-I gives the cursor, -X DELETE purges", async () => {
    const { url, hub } = await serve();
    const { id } = await hub.publish("news", "hello");
    expect(await new Curl(["-I", `${url}/channels/news`]).all()).toMatch(new RegExp(`^tailwire-cursor: ${id}$`, "im"));
    await new Curl(["-f", "-X", "DELETE", `${url}/channels/news`]).all();
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it("that is killed is freed at once", async () => {
    const { url, store } = await serve();
    const reader = new Curl(["-N", `${url}/channels/news`]);
    await reader.line();
    reader.child.kill("SIGKILL");
    await store.whenFollowed(0);
  });
});

describe("the npm package eventsource", () => {
  it("receives typed events, is cut, comes back with Last-Event-ID by itself, and misses nothing", async () => {
    const { port, hub } = await serve();
    const proxy = await cuttingProxy(port);
    const source = new EventSource(`${proxy.url}/channels/news?from=earliest`);
    onTestFinished(() => source.close());
    const seen = queue<string>();
    const opened = queue<string>();
    source.addEventListener("greeting", ({ data }) => seen.push(`greeting ${data}`));
    source.addEventListener("message", ({ data }) => seen.push(data));
    source.addEventListener("$open", ({ lastEventId }) => opened.push(lastEventId));
    await opened.next();
    await hub.publish("news", "one", { type: "greeting" });
    expect(await seen.next()).toBe("greeting one");
    const { id } = await hub.publish("news", "two");
    expect(await seen.next()).toBe("two");
    const broken = once(source as never, "error");
    proxy.cut();
    await broken;
    for (let count = 1; count <= 500; count += 1) await hub.publish("news", `missed ${count}`);
    proxy.release();
    expect(await opened.next()).toBe(id);
    for (let count = 1; count <= 500; count += 1) expect(await seen.next()).toBe(`missed ${count}`);
    await hub.publish("news", "live again");
    expect(await seen.next()).toBe("live again");
    expect(seen.length).toBe(0);
  });

  // In one test, because this client waits three seconds before it comes back.
  it("comes back to where it began, to its place in each of several channels, and to a gap", async () => {
    const { port, hub } = await serve();
    const proxy = await cuttingProxy(port);
    const [first, several, late] = await Promise.all(
      ["channels/first", "channels/a,b", "channels/late"].map((path) => opened(`${proxy.url}/${path}`)),
    );
    await hub.publish("a", "a 1");
    await hub.publish("b", "b 1");
    expect([await several?.next(), await several?.next()]).toEqual(["a 1", "b 1"]);
    proxy.cut();
    await hub.publish("first", "its first event");
    await hub.publish("b", "b 2");
    await hub.publish("a", "a 2");
    for (let count = 1; count <= 1010; count += 1) await hub.publish("late", `${count}`);
    proxy.release();
    expect([await first?.next(), await first?.next()]).toEqual(["$open", "its first event"]);
    expect([await several?.next(), await several?.next(), await several?.next()].sort()).toEqual([
      "$open",
      "a 2",
      "b 2",
    ]);
    expect([await late?.next(), await late?.next(), await late?.next()]).toEqual(["$open", "$gap 10", "11"]);
  });
});

describe("the npm package ws", () => {
  it("without a subprotocol publishes and receives raw frames, and resumes from a cursor", async () => {
    const { port, hub } = await serve();
    const proxy = await cuttingProxy(port);
    const address = `ws://127.0.0.1:${proxy.port}/channels/news`;
    const socket = await open(new WebSocket(address));
    const frames = received(socket);
    socket.send("text");
    expect(await frames.next()).toEqual(["text", false]);
    socket.send(Buffer.from("binary"));
    expect(await frames.next()).toEqual(["binary", true]);
    const cursor = await hub.cursor("news");
    const gone = once(socket, "close");
    proxy.cut();
    expect((await gone)[0]).toBe(1006);
    for (let count = 1; count <= 300; count += 1) await hub.publish("news", `missed ${count}`);
    proxy.release();
    const next = new WebSocket(`${address}?from=${cursor}`);
    const rest = received(next);
    await open(next);
    for (let count = 1; count <= 300; count += 1) expect(await rest.next()).toEqual([`missed ${count}`, false]);
  });

  it("with tailwire.v1 subscribes, publishes and is answered", async () => {
    const { port, hub } = await serve();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/channels/a,b`, ["other", "tailwire.v1"]);
    const messages = received(socket);
    await open(socket);
    expect(socket.protocol).toBe("tailwire.v1");
    const next = async () => JSON.parse((await messages.next())[0]) as Record<string, unknown>;
    expect(await next()).toMatchObject({ type: "$open" });
    socket.send(JSON.stringify({ op: "subscribe", ref: 1, channel: "c" }));
    expect(await next()).toMatchObject({ type: "$ack", ref: 1 });
    socket.send(JSON.stringify({ op: "publish", ref: 2, channel: "d", data: 1 }));
    expect(await next()).toMatchObject({ type: "$ack", ref: 2, id: expect.stringMatching(/:1$/) });
    await hub.publish("c", "hello");
    expect(await next()).toMatchObject({ channel: "c", data: "hello" });
    const closed = once(socket, "close");
    await hub.close();
    expect(await next()).toMatchObject({ type: "$close", code: 1001 });
    expect((await closed)[0]).toBe(1001);
  });

  it("offering compression is answered without, and works", async () => {
    const { port, hub } = await serve();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/channels/news`, { perMessageDeflate: true });
    const frames = received(socket);
    await open(socket);
    expect(socket.extensions).toBe("");
    await hub.publish("news", "x".repeat(5000));
    expect(await frames.next()).toEqual(["x".repeat(5000), false]);
  });

  it("stays connected through heartbeats, for it pongs", async () => {
    const { port, hub } = await serve({ hub: { heartbeatMs: 300 } });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/channels/news`);
    const frames = received(socket);
    await open(socket);
    for (let pings = 0; pings < 3; pings += 1) await once(socket, "ping");
    await hub.publish("news", "still here");
    expect(await frames.next()).toEqual(["still here", false]);
  });

  it("that is terminated is freed at once", async () => {
    const { port, store } = await serve();
    const socket = await open(new WebSocket(`ws://127.0.0.1:${port}/channels/news`));
    expect(store.followed).toBe(1);
    socket.terminate();
    await store.whenFollowed(0);
  });
});

/** An EventSource that is open, and what it receives: the data of events, and the names of system messages. */
async function opened(url: string): Promise<Queue<string>> {
  const source = new EventSource(`${url}?format=envelope`);
  onTestFinished(() => source.close());
  const seen = queue<string>();
  source.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    seen.push(message.type === "$gap" ? `$gap ${message.lost}` : (message.data ?? message.type));
  });
  expect(await seen.next()).toBe("$open");
  return seen;
}

async function open(socket: WebSocket): Promise<WebSocket> {
  onTestFinished(() => socket.terminate());
  if (socket.readyState !== WebSocket.OPEN) await once(socket, "open");
  return socket;
}

/** The frames of a socket as text, and whether they were binary. */
function received(socket: WebSocket): Queue<readonly [string, boolean]> {
  const frames = queue<readonly [string, boolean]>();
  socket.on("message", (data: Buffer, isBinary) => frames.push([data.toString(), isBinary]));
  return frames;
}
