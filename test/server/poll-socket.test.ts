/** Polls that repeat, whose socket is taken out of node:http's hands, and given back for everything else. */

import { describe, expect, it } from "vitest";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { serve } from "../e2e/serve.ts";

type Served = Awaited<ReturnType<typeof serve>>;

/** Counts the requests that node:http reads, without being in the way: they are looked at before Tailwire's listener. */
async function polled(options: Parameters<typeof serve>[0] = {}) {
  const served = await serve(options);
  let requests = 0;
  const emit = served.server.emit.bind(served.server);
  served.server.emit = ((event: string, ...args: unknown[]) => {
    if (event === "request") requests += 1;
    return emit(event, ...args);
  }) as Served["server"]["emit"];
  const client = await rawConnection(served.port);
  return { ...served, client, requests: () => requests };
}

async function ask(client: RawConnection, from: string, more = "") {
  return client.request("GET", `/channels/news?transport=long-poll&from=${from}${more}`).response();
}

const dataOf = (body: string) => (JSON.parse(body) as { events: { data: unknown }[] }).events.map(({ data }) => data);

describe("a client that polls", () => {
  it("is read by node:http once, and gets every event, parked and not", async () => {
    const { client, hub, requests, store } = await polled();
    let cursor = await hub.cursor("news");
    for (let count = 0; count < 10; count += 1) {
      const parked = count % 2 === 0;
      if (!parked) await hub.publish("news", count);
      const answer = ask(client, cursor);
      if (parked) {
        await store.whenFollowed(1);
        await hub.publish("news", count);
      }
      const { status, headers, body } = await answer;
      expect(status).toBe(200);
      expect(dataOf(body)).toEqual([count]);
      expect(headers.etag).toBe(`"${headers["tailwire-cursor"]}"`);
      cursor = headers["tailwire-cursor"] as string;
    }
    expect(requests()).toBe(1);
  });

  it("gets the same heads as from node:http", async () => {
    const { client, hub } = await polled();
    const cursor = await hub.cursor("news");
    await hub.publish("news", "x");
    const names = async () => {
      const { status, version, headers } = await ask(client, cursor);
      const { date, "keep-alive": _, ...rest } = headers;
      expect(new Date(date as string).getTime()).toBeCloseTo(Date.now(), -4);
      return { status, version, ...rest };
    };
    const first = await names();
    expect(await names()).toEqual(first);
  });

  it("with If-None-Match gets 304 when the wait is over", async () => {
    const { client, hub, requests } = await polled();
    const cursor = await hub.cursor("news");
    for (let count = 0; count < 3; count += 1) {
      client.request("GET", "/channels/news?wait=0.01", { "If-None-Match": `"${cursor}"` });
      const { status, headers } = await client.response();
      expect([status, headers["tailwire-cursor"]]).toEqual([304, cursor]);
    }
    expect(requests()).toBe(1);
  });

  it("is given back to node:http for anything else, on the same connection", async () => {
    const { client, hub, requests } = await polled();
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0");
    client.request("POST", "/channels/news", {}, "hello");
    expect((await client.response()).status).toBe(201);
    expect(dataOf((await ask(client, cursor)).body)).toEqual(["hello"]);
    expect(requests()).toBe(3);
    expect((await client.request("GET", "/healthz").response()).status).toBe(200);
  });

  it.each(["nonsense", "zzz:99999999999999999999", "abc:1,"])("is refused as ever: from=%s", async (wrong) => {
    const { client, hub, requests } = await polled();
    await ask(client, await hub.cursor("news"), "&wait=0");
    const { status } = await ask(client, wrong, "&wait=0");
    expect(status).toBe(400);
    expect(requests()).toBe(2);
  });

  it("whose request comes byte by byte is served", async () => {
    const { client, hub } = await polled();
    const cursor = await hub.cursor("news");
    await hub.publish("news", "x");
    await ask(client, cursor);
    client.socket.setNoDelay(true);
    for (const byte of `GET /channels/news?transport=long-poll&from=${cursor} HTTP/1.1\r\nHost: test\r\n\r\n`) {
      await new Promise<void>((resolve) => client.socket.write(byte, () => resolve()));
    }
    expect(dataOf((await client.response()).body)).toEqual(["x"]);
  });

  it("who sends two at once gets both answers, in order", async () => {
    const { client, hub } = await polled();
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0");
    const request = `GET /channels/news?transport=long-poll&from=${cursor}&wait=0 HTTP/1.1\r\nHost: test\r\n\r\n`;
    client.send(request + request);
    expect((await client.response()).status).toBe(200);
    expect((await client.response()).status).toBe(200);
  });

  it("who asks again while parked is answered twice", async () => {
    const { client, hub, store } = await polled();
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0");
    await ask(client, cursor, "&wait=0");
    client.request("GET", `/channels/news?transport=long-poll&from=${cursor}`);
    await store.whenFollowed(1);
    client.request("GET", `/channels/news?transport=long-poll&from=${cursor}`);
    await (await rawConnection(Number(client.socket.remotePort))).request("GET", "/healthz").response();
    await hub.publish("news", "x");
    expect(dataOf((await client.response()).body)).toEqual(["x"]);
    expect(dataOf((await client.response()).body)).toEqual(["x"]);
  });

  it("and is gone is followed for no longer", async () => {
    const { client, hub, store } = await polled();
    const cursor = await hub.cursor("news");
    await hub.publish("news", "x");
    await ask(client, cursor);
    client.request("GET", `/channels/news?transport=long-poll&from=${await hub.cursor("news")}`);
    await store.whenFollowed(1);
    client.reset();
    await store.whenFollowed(0);
  });

  it("keeps its place between two polls: the log is not read for the next", async () => {
    const { client, hub, port, store } = await polled();
    let cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0.2"); // node:http's
    await ask(client, cursor, "&wait=0.2"); // takes its place
    let reads = 0;
    const { read } = store;
    store.read = (...asked) => {
      reads += 1;
      return read(...asked);
    };
    for (let count = 0; count < 4; count += 1) {
      const answer = ask(client, cursor, "&wait=0.2");
      await (await rawConnection(port)).request("GET", "/healthz").response(); // by now it has been read
      if (count % 2 === 1) await hub.publish("news", count);
      cursor = (await answer).headers["tailwire-cursor"] as string;
    }
    expect(reads).toBe(0);
  });

  it("gets what comes between two polls with the next", async () => {
    const { client, hub } = await polled();
    let cursor = await hub.cursor("news");
    for (const data of ["a", "b", "c"]) {
      await ask(client, cursor, "&wait=0.01");
      await hub.publish("news", data);
      const { headers, body } = await ask(client, cursor, "&wait=0.01");
      expect(dataOf(body)).toEqual([data]);
      cursor = headers["tailwire-cursor"] as string;
    }
  });

  it("who goes back gets again what it goes back to", async () => {
    const { client, hub, store } = await polled();
    const first = await hub.cursor("news");
    await hub.publish("news", "a");
    const second = (await ask(client, first)).headers["tailwire-cursor"] as string;
    const parked = ask(client, second);
    await store.whenFollowed(1);
    await hub.publish("news", "b");
    expect(dataOf((await parked).body)).toEqual(["b"]);
    expect(dataOf((await ask(client, second)).body)).toEqual(["b"]);
    expect(dataOf((await ask(client, first)).body)).toEqual(["a", "b"]);
  });

  it("gets no more at once than it asks for, and the rest with the next", async () => {
    const { client, hub, store } = await polled();
    let cursor = await hub.cursor("news");
    await hub.publish("news", 0);
    cursor = (await ask(client, cursor, "&limit=2")).headers["tailwire-cursor"] as string;
    const answer = ask(client, cursor, "&limit=2");
    await store.whenFollowed(1);
    await Promise.all([1, 2, 3].map((data) => hub.publish("news", data)));
    const { headers, body } = await answer;
    expect(dataOf(body)).toEqual([1, 2]);
    cursor = headers["tailwire-cursor"] as string;
    expect(dataOf((await ask(client, cursor, "&limit=2")).body)).toEqual([3]);
  });

  it("is let go when it has not asked again for the server's keep-alive, though it waited longer before", async () => {
    const { client, hub, server, store } = await polled();
    server.keepAliveTimeout = 20;
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0.1");
    expect((await ask(client, cursor, "&wait=0.1")).status).toBe(200);
    expect(await client.rest()).toBe("");
    await store.whenFollowed(0);
  });

  it("who does not read its answer is let go", async () => {
    const { client, hub, server, store } = await polled({ hub: { maxEventBytes: 2 ** 24 } });
    server.keepAliveTimeout = 20;
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0.1");
    client.request("GET", `/channels/news?transport=long-poll&from=${cursor}&wait=0.1`);
    await store.whenFollowed(1);
    client.socket.pause();
    await hub.publish("news", "x".repeat(2 ** 24));
    await store.whenFollowed(0);
  });

  it("is let go like that also when the hub has closed", async () => {
    const { client, hub, server } = await polled();
    server.keepAliveTimeout = 20;
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0");
    expect((await ask(client, cursor, "&wait=0")).status).toBe(200);
    await hub.close();
    expect(await client.rest()).toBe("");
  });

  it("is answered and let go when the hub closes", async () => {
    const { client, hub, store } = await polled();
    const cursor = await hub.cursor("news");
    await hub.publish("news", "x");
    await ask(client, cursor);
    client.request("GET", `/channels/news?transport=long-poll&from=${await hub.cursor("news")}`);
    await store.whenFollowed(1);
    await hub.close();
    expect(dataOf((await client.response()).body)).toEqual([]);
    expect(await client.rest()).toBe("");
  });

  it("between two polls when the hub closes is told 503 at the next", async () => {
    const { client, hub } = await polled();
    const cursor = await hub.cursor("news");
    await ask(client, cursor, "&wait=0");
    await ask(client, cursor, "&wait=0");
    await hub.close();
    expect((await ask(client, cursor, "&wait=0")).status).toBe(503);
  });

  it("stays with node:http where somebody else looks at the requests", async () => {
    const { client, hub, requests, server } = await polled();
    server.on("request", () => {});
    const cursor = await hub.cursor("news");
    for (let count = 0; count < 3; count += 1) expect((await ask(client, cursor, "&wait=0")).status).toBe(200);
    expect(requests()).toBe(3);
  });
});
