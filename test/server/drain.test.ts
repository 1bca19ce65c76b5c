/** A hub that drains, seen by those who are connected, and by those who come. */

import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { turn } from "../../src/testing/waiting.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { handshakeHeaders, rawWebSocket } from "../e2e/raw-websocket.ts";
import { type Served, serve } from "../e2e/serve.ts";
import { SkippingClock } from "../testing/skipping-clock.ts";

const V1 = { "Sec-WebSocket-Protocol": "tailwire.v1" };
const DRAIN_MS = 10_000;

async function served(options: Parameters<typeof serve>[0] = {}): Promise<Served & { readonly clock: SkippingClock }> {
  const clock = new SkippingClock();
  return { ...(await serve({ ...options, hub: { clock, ...options.hub } })), clock };
}

async function stream({ port }: Served, accept = "application/x-ndjson", query = "") {
  const client = await rawConnection(port);
  client.request("GET", `/channels/news?${query}`, { Accept: accept });
  expect((await client.head()).status).toBe(200);
  expect(await client.chunk()).toContain("$open");
  return client;
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  await turn();
  const pending = {};
  return (await Promise.race([promise, Promise.resolve().then(() => pending)])) !== pending;
}

describe("who is connected when a hub drains", () => {
  it("is told at once to come back, spread evenly over the time of the drain", async () => {
    const { hub, ...rest } = await served();
    const clients = await Promise.all(Array.from({ length: 20 }, () => stream({ hub, ...rest })));
    await hub.publish("news", "last");
    await hub.drain(DRAIN_MS); // done as soon as all are told
    const times: number[] = [];
    for (const client of clients) {
      expect(await client.message()).toMatchObject({ data: "last" });
      const close = await client.message();
      expect(close).toMatchObject({ type: "$close", code: 1012, reason: "the server restarts" });
      times.push(close.reconnectMs as number);
      expect(await client.chunk()).toBe("");
      expect(await client.rest()).toBe("");
    }
    for (const [index, ms] of times.sort((a, b) => a - b).entries()) {
      expect(ms).toBeGreaterThanOrEqual((index * DRAIN_MS) / 20);
      expect(ms).toBeLessThanOrEqual(((index + 1) * DRAIN_MS) / 20);
    }
  });

  it("is told over Server-Sent Events as `retry:` too", async () => {
    const all = await served();
    const client = await stream(all, "text/event-stream");
    await all.hub.drain(DRAIN_MS);
    const text = await client.chunk();
    const { code, reconnectMs } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "");
    expect([code, /^retry: (\d+)$/m.exec(text)?.[1]]).toEqual([1012, String(reconnectMs)]);
    expect(await client.chunk()).toBe("");
  });

  it("is told in a gzip stream that ends whole", async () => {
    const { hub, url } = await served({ handler: { compression: true } });
    const answer = await fetch(`${url}/channels/news`, { headers: { "Accept-Encoding": "gzip" } });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    await hub.drain(DRAIN_MS);
    const lines = (await answer.text()).trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ type: "$close", code: 1012 });
  });

  it("is told over WebSocket as a message and as the close frame", async () => {
    const { hub, port } = await served();
    const socket = await rawWebSocket(port, "/channels/news", V1);
    await socket.message();
    await hub.drain(DRAIN_MS);
    expect(await socket.message()).toMatchObject({ type: "$close", code: 1012, reconnectMs: expect.any(Number) });
    expect(await socket.closeCode()).toBe(1012);
  });

  it("is told in a frame", async () => {
    const all = await served({ handler: { legacyTransports: true, allowOrigins: ["https://a.example"] } });
    const client = await rawConnection(all.port);
    client.request("GET", "/channels/news?transport=iframe&origin=https://a.example");
    await client.head();
    while (!(await client.chunk()).includes("$open"));
    await all.hub.drain(DRAIN_MS);
    expect(await client.chunk()).toContain('"code":1012');
    expect(await client.chunk()).toBe("");
  });

  it("is served on where it cannot be told, over a raw WebSocket, until its time", async () => {
    const { hub, port, clock } = await served();
    const sockets = await Promise.all([1, 2, 3].map(() => rawWebSocket(port, "/channels/news")));
    const drained = hub.drain(DRAIN_MS);
    await hub.publish("news", "meanwhile");
    for (const socket of sockets) expect((await socket.dataFrame()).payload.toString()).toBe("meanwhile");
    const codes = sockets.map((socket) => socket.closeCode());
    for (const [index, code] of codes.entries()) {
      expect([await isSettled(drained), await isSettled(code)]).toEqual([false, false]);
      clock.skip(DRAIN_MS / 3 + (index === 2 ? 1 : 0));
      expect(await code).toBe(1012);
    }
    await drained;
  });

  it("and waits in a poll is answered at once, with the end of its connection, at node:http and past it", async () => {
    const { hub, port, store } = await served();
    const cursor = await hub.cursor("news");
    const [first, again] = [await rawConnection(port), await rawConnection(port)];
    await again.request("GET", `/channels/news?transport=long-poll&from=${cursor}&wait=0`).response();
    again.request("GET", `/channels/news?transport=long-poll&from=${cursor}&wait=0`);
    await again.response();
    again.request("GET", `/channels/other?wait=60&from=${await hub.cursor("other")}`);
    first.request("GET", `/channels/news?wait=60&from=${cursor}`);
    await store.whenFollowed(2);
    await hub.drain(DRAIN_MS);
    for (const client of [first, again]) {
      const { status, headers, body } = await client.response();
      expect([status, headers.connection, JSON.parse(body).events]).toEqual([200, "close", []]);
      expect(await client.rest()).toBe("");
    }
  });
});

describe("who comes while a hub drains", () => {
  /** One that a publish holds up. */
  async function draining() {
    const all = await served({ handler: { legacyTransports: true, allowOrigins: ["https://a.example"] } });
    await all.hub.publish("news", "old");
    const done = all.hub.hold();
    return { ...all, done, drained: all.hub.drain(DRAIN_MS) };
  }

  it.each([
    ["sse", { Accept: "text/event-stream" }, ""],
    ["stream", {}, ""],
    ["long-poll", {}, "wait=60"],
    ["jsonp", {}, "callback=f"],
    ["iframe", {}, "transport=iframe&origin=https://a.example"],
    ["iframe-poll", {}, "transport=iframe-poll&origin=https://a.example"],
    ["websocket", handshakeHeaders(), ""],
    ["tailwire.v1", { ...handshakeHeaders(), ...V1 }, ""],
  ])("is refused a subscription: %s", async (_, headers, query) => {
    const { port } = await draining();
    const client = await rawConnection(port);
    const answer = await client.request("GET", `/channels/news?${query}`, headers).response();
    expect([answer.status, answer.headers["retry-after"], answer.headers.connection]).toEqual([503, "1", "close"]);
    expect(answer.json()).toMatchObject({ code: "shutting_down" });
    expect(await client.rest()).toBe("");
  });

  it.each(["wait=0&from=-1", "wait=60&from=-1"])("is given what is there by a poll: %s", async (query) => {
    const { port } = await draining();
    const answer = await (await rawConnection(port)).request("GET", `/channels/news?${query}`).response();
    expect(answer.json()).toMatchObject({ events: [{ data: "old" }] });
    expect(answer.headers.connection).toBe("close");
  });

  it("is refused a wait also on a connection that polls past node:http", async () => {
    const { hub, port } = await served();
    const client = await rawConnection(port);
    const cursor = await hub.cursor("news");
    for (let count = 0; count < 3; count += 1)
      await client.request("GET", `/channels/news?wait=0.001&from=${cursor}`).response();
    hub.hold();
    void hub.drain(DRAIN_MS);
    const answer = await client.request("GET", `/channels/news?wait=0.001&from=${cursor}`).response();
    expect([answer.status, answer.headers["retry-after"], answer.headers.connection]).toEqual([503, "1", "close"]);
  });

  it("may publish, and is answered, also by GET, and learns the cursor", async () => {
    const { hub, port } = await draining();
    const ask = async (method: "POST" | "GET" | "HEAD", query = "", body?: string) => {
      const client = await rawConnection(port);
      client.request(method, `/channels/news${query}`, {}, body);
      const { status, headers } = await client.response(method === "HEAD" ? "HEAD" : "GET");
      expect(headers.connection).toBe("close");
      return [status, headers["tailwire-cursor"]?.split(":")[1]];
    };
    expect(await ask("POST", "", "x")).toEqual([201, "2"]);
    expect(await ask("GET", "?publish=1&callback=f")).toEqual([201, "3"]);
    expect(await ask("HEAD")).toEqual([200, "3"]);
    expect(await hub.cursor("news")).toMatch(/:3$/);
  });

  it("holds it up until a publish that has begun is answered", async () => {
    const { port, done, drained } = await draining();
    const client = await rawConnection(port);
    client.send("POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhel");
    await (await rawConnection(port)).request("GET", "/healthz").response();
    done();
    expect(await isSettled(drained)).toBe(false);
    client.send("lo");
    expect((await client.response()).status).toBe(201);
    await drained;
  });
});

describe("a client that publishes again and again, past node:http,", () => {
  async function publisher({ port }: Served) {
    const client = await rawConnection(port);
    const publish = async (text: string) =>
      (await client.request("POST", "/channels/news", {}, text).response()).status;
    for (let count = 0; count < 4; count += 1) expect(await publish(`x${count}`)).toBe(201);
    return client;
  }

  it("is answered, and told that this was the last answer of its connection", async () => {
    const all = await served();
    const client = await publisher(all);
    all.hub.hold();
    void all.hub.drain(DRAIN_MS);
    const { status, headers } = await client.request("POST", "/channels/news", {}, "y0").response();
    expect([status, headers.connection]).toEqual([201, "close"]);
    expect(await client.rest()).toBe("");
  });

  it("holds a drain up with a publish of which a part has come", async () => {
    const all = await served();
    const client = await publisher(all);
    client.send("POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nx");
    await (await rawConnection(all.port)).request("GET", "/healthz").response();
    const release = all.hub.hold();
    const drained = all.hub.drain(DRAIN_MS);
    await (await rawConnection(all.port)).request("GET", "/healthz").response();
    release();
    expect(await isSettled(drained)).toBe(false);
    client.send("9");
    expect((await client.response()).status).toBe(201);
    await drained;
  });
});

it("a publish over WebSocket that is under way is acknowledged before the connection ends", async () => {
  const store = memoryStore();
  let letGo = () => {};
  const append: typeof store.append = async (...args) => {
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
    return store.append(...args);
  };
  const slow = { append, read: store.read.bind(store), follow: store.follow.bind(store) };
  const { hub, port } = await served({ hub: { store: slow } });
  const socket = await rawWebSocket(port, "/channels/news", V1);
  await socket.message();
  socket.send(JSON.stringify({ op: "publish", ref: 1, channel: "other", data: 1 }));
  await (await rawConnection(port)).request("GET", "/healthz").response();
  const drained = hub.drain(DRAIN_MS);
  expect(await isSettled(drained)).toBe(false);
  letGo();
  expect(await socket.message()).toMatchObject({ type: "$ack", ref: 1 });
  expect(await socket.message()).toMatchObject({ type: "$close", code: 1012 });
  expect(await socket.closeCode()).toBe(1012);
  await drained;
});

describe("/readyz", () => {
  it("is 503 from the drain on, and /healthz stays 200", async () => {
    const { hub, port } = await served();
    const ask = async (path: string) => (await rawConnection(port)).request("GET", path).response();
    const ready = await ask("/readyz");
    expect([ready.status, ready.json()]).toEqual([200, { status: "ok" }]);
    for (const end of [() => hub.drain(DRAIN_MS), () => hub.close()]) {
      await end();
      const { status, headers, json } = await ask("/readyz");
      expect([status, headers["content-type"], json().code]).toEqual([
        503,
        "application/problem+json",
        "shutting_down",
      ]);
      expect((await ask("/healthz")).status).toBe(200);
    }
  });

  it("is 503 while the store is away", async () => {
    let away = true;
    const store = memoryStore();
    const read: typeof store.read = (...args) => {
      if (away) throw new Error("gone");
      return store.read(...args);
    };
    const { port } = await served({
      hub: { store: { append: store.append.bind(store), follow: store.follow.bind(store), read } },
    });
    const client = await rawConnection(port);
    const { status, json } = await client.request("GET", "/readyz").response();
    expect([status, json().code]).toEqual([503, "store_unavailable"]);
    expect((await client.request("GET", "/healthz").response()).status).toBe(200);
    away = false;
    expect((await client.request("HEAD", "/readyz").response("HEAD")).status).toBe(200);
    expect((await client.request("OPTIONS", "/readyz").response()).headers.allow).toBe("GET, HEAD, OPTIONS");
    expect((await client.request("POST", "/readyz", {}, "x").response()).status).toBe(405);
  });
});
