/** The client in Node: its transports with a real server, its iterator, and how it lets its process end. */

import { describe, expect, it, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { type ConnectOptions, connect, type Push, type TransportName } from "../../src/client/index.ts";
import type { ReceivedEvent } from "../../src/core/event.ts";
import { blackHole } from "../../src/testing/index.ts";
import { startChild } from "../e2e/client/child-process.ts";
import { nodeClient } from "../e2e/client/node-client.ts";
import { PushServer } from "../e2e/client/push-server.ts";
import { cuttingProxy } from "../e2e/cutting-proxy.ts";
import { serve } from "../e2e/serve.ts";

const TRANSPORTS: readonly TransportName[] = ["websocket", "sse", "stream", "long-poll", "poll"];
const OPTIONS: ConnectOptions = { WebSocket: WebSocket as unknown as typeof globalThis.WebSocket };

const AWKWARD: readonly unknown[] = [
  ...["", "line\nbreaks\r\nand\rlone", "\u2028\u2029\u0000\ufeff", "🙂 ü \ud800", "data: x\n\nid: 1\n\n"],
  ...[{ json: ["ü🙂", null, true, 1.5] }, [], null, 0, false],
];

const PATIENCE_MS = 15_000;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(TRANSPORTS)("%s in Node", (transport) => {
  it("receives what there was and what comes, is cut and misses nothing, and ends with close()", async () => {
    const { hub, port, store } = await serve({ path: "/push" });
    const proxy = await cuttingProxy(port);
    for (const data of AWKWARD) await hub.publish("chat", data);
    const client = nodeClient(`${proxy.url}/push`, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat", "earliest");
    client.subscribe("news");
    await client.count(AWKWARD.length);
    await client.reaches("open");
    expect(client.push.transport).toBe(transport);
    await hub.publish("chat", Uint8Array.from(range(0, 255)), { type: "bytes", key: "k" });
    await client.count(AWKWARD.length + 1);
    proxy.cut();
    for (const data of range(1, 900)) await hub.publish("chat", data);
    await hub.publish("news", "missed");
    proxy.release();
    await client.count(1, "news");
    await client.count(AWKWARD.length + 901, "chat");
    expect(client.data("chat")).toEqual([...AWKWARD, { bytes: range(0, 255) }, ...range(1, 900)]);
    expect(client.events("chat")[AWKWARD.length]).toMatchObject({ type: "bytes", key: "k" });
    expect(client.of("gap")).toEqual([]);
    expect(client.of("error")).toEqual([]);
    client.push.close();
    await store.whenFollowed(0);
  });

  it("publishes, and is told the id", async () => {
    const { hub, url } = await serve();
    const client = nodeClient(url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.reaches("open");
    const sent = ["ü🙂 \u2028&=+%", { a: [1, null] }, Uint8Array.of(0, 255), 12];
    const published = await Promise.all(sent.map((data) => client.publish("chat", data, { type: "said" })));
    await client.count(sent.length);
    expect(client.events().map(({ id }) => id)).toEqual(published.map(({ id }) => id));
    expect(client.data()).toEqual(["ü🙂 \u2028&=+%", { a: [1, null] }, { bytes: [0, 255] }, 12]);
    expect(await hub.cursor("chat")).toBe(published.at(-1)?.id);
  });

  it("tells what is lost where the log has let go of it, and goes on behind that", async () => {
    const { hub, port } = await serve();
    const proxy = await cuttingProxy(port);
    const client = nodeClient(proxy.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.reaches("open");
    const { id } = await hub.publish("chat", 0);
    await client.count(1);
    proxy.cut();
    for (const data of range(1, 1500)) await hub.publish("chat", data);
    proxy.release();
    await client.count(1001);
    expect(client.data()).toEqual([0, ...range(501, 1500)]);
    expect(client.of("gap")).toMatchObject([{ channel: "chat", after: id, lost: 500, reason: "trimmed" }]);
    expect(client.of("error")).toEqual([]);
  });
});

it.each(["websocket", "stream", "long-poll"] as const)(
  "%s in Node comes back to a server that was shut down",
  async (transport) => {
    const server = await PushServer.start();
    const client = nodeClient(`${server.url}/push`, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.reaches("open");
    await server.hub.close();
    await client.until("it is not open", () => client.state !== "open");
    await server.restart();
    await server.hub.publish("chat", "back");
    await client.count(1);
    expect(client.of("error")).toEqual([]);
  },
);

describe("without a WebSocket class", () => {
  it("says so where no other transport may be used, and otherwise uses the others", async () => {
    vi.stubGlobal("WebSocket", undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    const { hub, url } = await serve();
    expect(() => connect(url, { transports: ["websocket"] })).toThrow(expect.objectContaining({ code: "misuse" }));
    const client = nodeClient(url);
    client.subscribe("chat");
    await client.reaches("open");
    expect(client.push.transport).toBe("sse");
    await hub.publish("chat", 1);
    await client.count(1);
  });
});

describe("for await", () => {
  async function open(): Promise<Awaited<ReturnType<typeof serve>> & { push: Push }> {
    const served = await serve();
    const push = connect(served.url, { transports: ["stream"] });
    onTestFinished(() => push.close());
    return { ...served, push };
  }

  it("reads several channels, each in order, and ends the connection when it is broken off", async () => {
    const { hub, store, push } = await open();
    for (const data of range(1, 5)) {
      await hub.publish("chat", data);
      await hub.publish("news", -data);
    }
    const seen: ReceivedEvent[] = [];
    for await (const event of push.events(["chat", "news"], { from: "-3" })) {
      seen.push(event);
      if (seen.length === 6) break;
    }
    const of = (name: string) => seen.filter(({ channel }) => channel === name).map(({ data }) => data);
    expect([of("chat"), of("news")]).toEqual([range(3, 5), [-3, -4, -5]]);
    await store.whenFollowed(0);
    expect(push.state).toBe("closed");
  });

  it("begins where a cursor of several channels says", async () => {
    const { hub, push } = await open();
    for (const data of range(1, 3)) for (const channel of ["chat", "news"]) await hub.publish(channel, data);
    const from = await hub.cursor(["news", "chat"]);
    for (const channel of ["chat", "news"]) await hub.publish(channel, 4);
    const seen: unknown[] = [];
    for await (const { data } of push.events(["chat", "news"], { from })) {
      seen.push(data);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([4, 4]);
  });

  it("ends the connection when its body throws", async () => {
    const { hub, store, push } = await open();
    await hub.publish("chat", 1);
    const reading = (async () => {
      for await (const { data } of push.events("chat", { from: "earliest" })) throw new Error(`mine ${data}`);
    })();
    await expect(reading).rejects.toThrow("mine 1");
    await store.whenFollowed(0);
  });

  it("ends with its signal, and leaves other iterations alone", async () => {
    const { hub, store, push } = await open();
    const aborter = new AbortController();
    const one = push.events("chat", { signal: aborter.signal });
    const other = push.events("chat");
    const [first, second] = [one.next(), other.next()];
    await reaches(push, "open");
    await hub.publish("chat", 1);
    expect([(await first).value?.data, (await second).value?.data]).toEqual([1, 1]);
    const [waiting, stillWaiting] = [one.next(), other.next()];
    aborter.abort();
    expect((await waiting).done).toBe(true);
    await hub.publish("chat", 2);
    expect((await stillWaiting).value?.data).toBe(2);
    await other.return?.();
    await store.whenFollowed(0);
  });

  it("ends with the client", async () => {
    const { store, push } = await open();
    const events = push.events("chat");
    const next = events.next();
    await reaches(push, "open");
    push.close();
    expect((await next).done).toBe(true);
    expect((await events.next()).done).toBe(true);
    await store.whenFollowed(0);
  });

  it("gives nothing where its signal was aborted before", async () => {
    const { push, store } = await open();
    for await (const _ of push.events("chat", { signal: AbortSignal.abort() })) expect.unreachable();
    expect(store.followed).toBe(0);
  });

  it("holds a thousand events for a slow reader, and fetches the rest when it wants them", async () => {
    const { hub, url } = await serve();
    const client = nodeClient(url, { transports: ["stream"] });
    const gaps: unknown[] = [];
    const events = client.push.events<unknown>("chat", { onGap: ({ lost }) => gaps.push(lost) });
    client.subscribe("chat");
    await client.reaches("open");
    for (const data of range(1, 2500)) await hub.publish("chat", data);
    await client.count(2500);
    // The log keeps 1,000 events, the last of those that are no longer held here.
    for (const data of [...range(1, 1000), ...range(1501, 2500)]) expect((await events.next()).value?.data).toBe(data);
    expect(gaps).toEqual([500]);
    await hub.publish("chat", "live again");
    expect((await events.next()).value?.data).toBe("live again");
    await events.return?.();
  });
});

/** Settles once a client is in this state. */
function reaches(push: Push, state: Push["state"]): Promise<void> {
  return new Promise((resolve) => {
    const stop = push.on("state", (next) => {
      if (next !== state) return;
      stop();
      resolve();
    });
  });
}

describe("a process", () => {
  it.each(TRANSPORTS)("with a client over %s ends by itself when that is closed", async (transport) => {
    const { hub, url, store } = await serve();
    for (const data of range(1, 3)) await hub.publish("chat", data);
    const child = startChild({ url, transport, endsAfter: 3, endsBy: "close" });
    await child.count(3);
    expect(await child.exited).toBe(0);
    await store.whenFollowed(0);
  });

  it("ends by itself when its only iteration does", async () => {
    const { hub, url } = await serve();
    for (const data of range(1, 3)) await hub.publish("chat", data);
    const child = startChild({ url, transport: "stream", endsAfter: 3, endsBy: "break" });
    expect(await child.exited).toBe(0);
    expect(child.data()).toEqual([1, 2, 3]);
  });

  it.each(TRANSPORTS)("with a client over %s ends although the server answers no more", async (transport) => {
    const { url } = await serve();
    const proxy = await blackHole({ afterMs: 1000 }).start(url);
    onTestFinished(() => proxy.close());
    const child = startChild({ url: proxy.url, transport, endsAfter: 0, endsBy: "close" });
    await child.reaches("open");
    await vi.waitFor(() => expect(proxy.counts.faults).toBeGreaterThan(0), PATIENCE_MS);
    child.terminate();
    await child.reaches("closed");
    expect(await child.exited).toBe(0);
  });

  it.each(TRANSPORTS)("does not end while its client over %s waits for a server that is away", async (transport) => {
    const server = await PushServer.start();
    const child = startChild({ url: `${server.url}/push`, transport, endsAfter: 0, endsBy: "close" });
    await child.reaches("open");
    await server.stop();
    await child.until("it waits twice", () => child.of("state").filter(({ state }) => state === "waiting").length > 1);
    expect(child.running).toBe(true);
    await server.begin();
    await server.hub.publish("chat", "back");
    await child.count(1);
    expect(child.data()).toEqual(["back"]);
  });
});
