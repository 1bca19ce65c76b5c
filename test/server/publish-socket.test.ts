/** Publishes that repeat, whose socket is taken out of node:http's hands, and given back for everything else. */

import { describe, expect, it } from "vitest";
import { type MaybePromise, memoryStore, type Store, TailwireError } from "../../src/index.ts";
import { countRequests } from "../e2e/http-requests.ts";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { dataOf, logOf, type ServeOptions, serve } from "../e2e/serve.ts";

/** A server, and a client whose connection has been taken: two publishes were read by node:http. */
async function publishing(options: ServeOptions = {}, headers: Readonly<Record<string, string>> = {}) {
  const served = await serve(options);
  const requests = countRequests(served.server);
  const client = await rawConnection(served.port);
  const publish = (body: string, more = {}) =>
    client.request("POST", "/channels/news?type=t", { ...headers, ...more }, body).response();
  await publish("1");
  const second = await publish("2");
  return { ...served, client, publish, requests, second };
}

function bytesOf(body: string): string {
  return `POST /channels/news?type=t HTTP/1.1\r\nHost: test\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function bodies(client: RawConnection, count: number): Promise<readonly unknown[]> {
  const ids: unknown[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await client.response()).json().id);
  return ids;
}

describe("a client that publishes", () => {
  it("is read by node:http twice, and every event is there, with its type", async () => {
    const { publish, requests, url } = await publishing();
    for (const body of ["3", "", "fünf", "x".repeat(100_000)]) expect((await publish(body)).status).toBe(201);
    expect(requests()).toBe(2);
    const log = await logOf(url, "news");
    expect(log.map(({ data }) => data)).toEqual(["1", "2", "3", "", "fünf", "x".repeat(100_000)]);
    for (const event of log) expect(event.type).toBe("t");
  });

  it("gets the same answers as from node:http", async () => {
    const { publish, second } = await publishing();
    const { headers, body, ...rest } = await publish("3");
    const position = (text: string) => text.replaceAll(/:\d+\b/g, ":N");
    expect(body).toBe(second.body.replace(":2", ":3"));
    expect({ ...rest, json: undefined }).toEqual({ status: 201, version: "1.1", json: undefined });
    expect(Object.keys(headers)).toEqual(Object.keys(second.headers));
    for (const [name, value] of Object.entries(headers))
      if (name !== "date") expect(position(value)).toBe(position(second.headers[name] as string));
    expect(new Date(headers.date as string).getTime()).toBeCloseTo(Date.now(), -4);
  });

  it("of JSON is told what is wrong with it, and goes on", async () => {
    const { publish, requests, url } = await publishing({}, { "Content-Type": "application/json" });
    expect((await publish("[3]")).status).toBe(201);
    expect(requests()).toBe(2);
    const wrong = await publish("{");
    expect([wrong.status, wrong.json().code]).toEqual([400, "invalid_data"]);
    expect((await publish("[4]")).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual([1, 2, [3], [4]]);
  });

  it("of octets publishes copies, and not views of what is read", async () => {
    const { publish, url } = await publishing({}, { "Content-Type": "application/octet-stream" });
    await publish("AAAA");
    await publish("BBBB");
    expect(await dataOf(url, "news")).toEqual(["MQ==", "Mg==", "QUFBQQ==", "QkJCQg=="]);
  });

  it("many at once gets an answer to each, in order", async () => {
    const { client, requests, url } = await publishing();
    const texts = Array.from({ length: 500 }, (_, n) => `event ${n}`);
    client.send(texts.map(bytesOf).join(""));
    const ids = await bodies(client, 500);
    expect(ids.map((id) => String(id).split(":")[1])).toEqual(texts.map((_, n) => String(n + 3)));
    expect(await dataOf(url, "news")).toEqual(["1", "2", ...texts]);
    expect(requests()).toBe(2 + 1); // the other is `dataOf`
  });

  it("to many channels is read by node:http twice, too", async () => {
    const { client, requests, hub } = await publishing();
    for (const name of ["a", "b:c", "n".repeat(128)]) {
      const answer = await client.request("POST", `/channels/${name}?type=t`, {}, "x").response();
      expect(answer.json()).toEqual({ id: await hub.cursor(name), channel: name });
    }
    expect(requests()).toBe(2);
    for (const [name, status] of [
      ["a,b", 400],
      ["$a", 400],
      ["%61", 201],
    ] as const)
      expect((await client.request("POST", `/channels/${name}?type=t`, {}, "x").response()).status).toBe(status);
  });

  it("byte by byte is served as well", async () => {
    const { client, requests, url } = await publishing();
    for (const byte of bytesOf("slowly") + bytesOf("so"))
      await new Promise<void>((resolve) => client.socket.write(byte, () => resolve()));
    await bodies(client, 2);
    expect(requests()).toBe(2);
    expect(await dataOf(url, "news")).toEqual(["1", "2", "slowly", "so"]);
  });

  it("is given back to node:http for anything else, on the same connection", async () => {
    const { client, publish, requests, url } = await publishing();
    await publish("3");
    expect((await publish("4", { "Idempotency-Key": "a" })).status).toBe(201);
    expect((await publish("4", { "Idempotency-Key": "a" })).status).toBe(201);
    expect((await publish("5")).status).toBe(201);
    expect((await client.request("GET", "/healthz").response()).status).toBe(200);
    expect(await dataOf(url, "news")).toEqual(["1", "2", "3", "4", "5"]);
    expect(requests()).toBe(2 + 4 + 1);
  });

  it("too much is refused as ever", async () => {
    const { publish } = await publishing({ hub: { maxEventBytes: 10 } });
    expect((await publish("x".repeat(10))).status).toBe(201);
    const refused = await publish("x".repeat(11));
    expect([refused.status, refused.json().code]).toEqual([413, "event_too_large"]);
  });

  it("and breaks off in the middle publishes nothing of that", async () => {
    const { client, hub, url } = await publishing();
    client.send(bytesOf("whole") + bytesOf("half of it").slice(0, -4));
    await bodies(client, 1);
    client.end();
    await client.rest();
    expect(hub.closed).toBe(false);
    expect(await dataOf(url, "news")).toEqual(["1", "2", "whole"]);
  });

  it("in packets that begin and end in the middle of requests is read as node:http would", async () => {
    for (const at of [1, 20, 60, bytesOf("three").length - 2]) {
      const { client, url, requests } = await publishing();
      const request = Buffer.from(bytesOf("three"));
      // Two packets in a row that are as long as a request, and begin in the middle of one.
      for (const packet of [
        Buffer.concat([request, request.subarray(0, at)]),
        Buffer.concat([request.subarray(at), request.subarray(0, at)]),
        request.subarray(at),
      ]) {
        client.send(packet);
        await (await rawConnection(Number(client.socket.remotePort))).request("GET", "/healthz").response();
      }
      await bodies(client, 3);
      expect(await dataOf(url, "news")).toEqual(["1", "2", "three", "three", "three"]);
      expect(requests()).toBeGreaterThanOrEqual(2);
    }
  });

  it("and is in the middle of a request is waited for by a drain", async () => {
    const { client, hub, url } = await publishing();
    client.send(bytesOf("half of it").slice(0, -4));
    await (await rawConnection(Number(client.socket.remotePort))).request("GET", "/healthz").response();
    const drained = hub.drain(60_000);
    client.send("f it");
    const answer = await client.response();
    expect([answer.status, answer.headers.connection]).toEqual([201, "close"]);
    await drained;
    expect(hub.closed).toBe(false);
    expect(url).toContain("http");
  });

  it("is let go when the hub closes", async () => {
    const { client, hub, publish } = await publishing();
    await publish("3");
    await hub.close();
    expect(await client.rest()).toBe("");
  });

  it("while the hub closes is told so", async () => {
    const { hub, publish } = await publishing();
    await publish("3");
    const closed = hub.close();
    const late = await publish("4");
    expect([late.status, late.json().code]).toEqual([503, "shutting_down"]);
    await closed;
  });

  it("stays with node:http where somebody else looks at the requests", async () => {
    const { server, port } = await serve();
    server.on("request", () => {});
    const requests = countRequests(server);
    const client = await rawConnection(port);
    for (let count = 0; count < 4; count += 1)
      expect((await client.request("POST", "/channels/news", {}, "x").response()).status).toBe(201);
    expect(requests()).toBe(4);
  });

  it("stays with node:http where that counts requests", async () => {
    const { publish, requests } = await publishing({
      before: (server) => {
        server.maxRequestsPerSocket = 100;
      },
    });
    expect((await publish("x")).status).toBe(201);
    expect(requests()).toBe(3);
  });
});

describe("a client that publishes into a store that has to ask", () => {
  it("is answered in order, and not read meanwhile", async () => {
    const store = askedStore();
    const { client, url } = await publishing({ hub: { store } });
    client.send(["a", "b", "c"].map(bytesOf).join(""));
    const ids = await bodies(client, 3);
    expect(ids.map((id) => String(id).split(":")[1])).toEqual(["3", "4", "5"]);
    expect(store.mostAtOnce).toBe(1);
    expect(await dataOf(url, "news")).toEqual(["1", "2", "a", "b", "c"]);
  });

  it("is answered also where the next comes while the one is appended after which its socket would be taken", async () => {
    const store = askedStore();
    const { port, url } = await serve({ hub: { store } });
    const client = await rawConnection(port);
    for (const body of ["1", "2", "3", "4", "5"]) client.send(bytesOf(body));
    await bodies(client, 5);
    expect(await dataOf(url, "news")).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("is told when the store is away, and goes on when it is back", async () => {
    const store = askedStore();
    const { publish, requests } = await publishing({ hub: { store } });
    store.away = true;
    const refused = await publish("lost");
    expect([refused.status, refused.headers["retry-after"], refused.json().code]).toEqual([
      503,
      "1",
      "store_unavailable",
    ]);
    store.away = false;
    expect((await publish("kept")).status).toBe(201);
    expect(requests()).toBe(2);
  });
});

/** A memory store that answers appends a turn later, or not at all. */
function askedStore() {
  const inner = memoryStore();
  let under = 0;
  const store = {
    away: false,
    mostAtOnce: 0,
    read: inner.read.bind(inner),
    follow: inner.follow.bind(inner),
    append(...[channel, input]: Parameters<Store["append"]>) {
      under += 1;
      store.mostAtOnce = Math.max(store.mostAtOnce, under);
      return new Promise<Awaited<ReturnType<Store["append"]>>>((resolve, reject) => {
        setImmediate(() => {
          under -= 1;
          if (store.away) reject(new TailwireError("store_unavailable", "it is away"));
          else resolve(inner.append(channel, input) as MaybePromise<Awaited<ReturnType<Store["append"]>>>);
        });
      });
    },
  };
  return store;
}
