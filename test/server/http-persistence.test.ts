/** RFC 9112, 9: one connection and many requests, seen from a bare socket. */

import { describe, expect, it } from "vitest";
import type { Store } from "../../src/core/store.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { dataOf, serve } from "../e2e/serve.ts";

describe("a connection that is kept alive", () => {
  it("answers one request after the other", async () => {
    const { port, url } = await serve();
    const client = await rawConnection(port);
    for (let count = 1; count <= 50; count += 1) {
      const { status, body } = await client.request("POST", "/channels/news", {}, `event ${count}`).response();
      expect([status, JSON.parse(body)]).toEqual([201, { id: expect.stringMatching(`:${count}$`), channel: "news" }]);
    }
    const poll = await client.request("GET", "/channels/news?wait=0&from=-1").response();
    expect(poll.json().events).toMatchObject([{ data: "event 50" }]);
    expect(await dataOf(url, "news")).toHaveLength(50);
  });

  it("lives on after errors, after answers without a body, and ends in a stream", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    expect((await client.request("GET", "/nothing").response()).status).toBe(404);
    expect((await client.request("GET", "/channels/$x").response()).status).toBe(400);
    expect((await client.request("POST", "/channels/$x", {}, "a body that is not read").response()).status).toBe(400);
    expect((await client.request("PUT", "/channels/news", {}, "another").response()).status).toBe(405);
    expect((await client.request("HEAD", "/channels/news").response("HEAD")).status).toBe(200);
    expect((await client.request("OPTIONS", "/channels/news").response()).status).toBe(204);
    expect((await client.request("DELETE", "/channels/news").response()).status).toBe(204);
    expect((await client.request("GET", "/channels/news").head()).status).toBe(200);
    expect(await client.message()).toMatchObject({ type: "$open" });
    await hub.publish("news", "hello");
    expect(await client.message()).toMatchObject({ data: "hello" });
  });

  it("reads on after a GET that had a body", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    expect((await client.request("GET", "/channels/news?wait=0", {}, "for nobody").response()).status).toBe(200);
    expect((await client.request("POST", "/channels/news", {}, "hello").response()).status).toBe(201);
  });

  it("is ended after the answer where the client asks for that", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    const close = { Connection: "close" };
    const { status, headers } = await client.request("POST", "/channels/news", close, "hello").response();
    expect([status, headers.connection]).toEqual([201, "close"]);
    expect(await client.rest()).toBe("");
  });

  it("is ended after a stream, with the last chunk, where the client asks for that", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    const { headers } = await client.request("GET", "/channels/news", { Connection: "close" }).head();
    expect(headers).toMatchObject({ connection: "close", "transfer-encoding": "chunked" });
    expect(await client.message()).toMatchObject({ type: "$open" });
    await hub.close();
    expect(await client.message()).toMatchObject({ type: "$close", code: 1001 });
    expect(await client.rest()).toBe("0\r\n\r\n");
  });
});

describe("pipelined requests", () => {
  it("are answered in order: publishes, a poll, a stream", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    client.send(
      [
        ...[1, 2, 3].map((count) => `POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n${count}`),
        "GET /channels/news?wait=0&from=earliest HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET /channels/news?from=-1 HTTP/1.1\r\nHost: test\r\n\r\n",
      ].join(""),
    );
    for (const count of [1, 2, 3]) {
      expect((await client.response()).json()).toMatchObject({ id: expect.stringMatching(`:${count}$`) });
    }
    expect((await client.response()).json().events).toMatchObject([{ data: "1" }, { data: "2" }, { data: "3" }]);
    const { status, headers } = await client.head();
    expect([status, headers["transfer-encoding"]]).toEqual([200, "chunked"]);
    expect(await client.message()).toMatchObject({ type: "$open" });
    expect(await client.message()).toMatchObject({ data: "3" });
    await hub.publish("news", "4");
    expect(await client.message()).toMatchObject({ data: "4" });
    await hub.close();
    expect(await client.message()).toMatchObject({ type: "$close" });
    expect(await client.chunk()).toBe("");
  });

  it("publish in order, whatever their form", async () => {
    const { port, url } = await serve();
    const client = await rawConnection(port);
    const lines = { "Content-Type": "application/x-ndjson" };
    client.request("POST", "/channels/news", lines, "1\n2\n3\n").request("POST", "/channels/news", {}, "text");
    client.request("POST", "/channels/news", lines, "4\n5\n");
    for (let count = 0; count < 3; count += 1) expect((await client.response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual([1, 2, 3, "text", 4, 5]);
  });

  it.each(["stream", "sse"])("a %s behind a long poll that still waits begins when that is answered", async (name) => {
    const { port, hub, store } = await serve();
    const client = await rawConnection(port);
    client.send(
      "GET /channels/slow?transport=long-poll&wait=60 HTTP/1.1\r\nHost: test\r\n\r\n" +
        `GET /channels/news?transport=${name}&format=envelope HTTP/1.1\r\nHost: test\r\n\r\n`,
    );
    await store.whenFollowed(1);
    await hub.publish("news", "while the poll waits");
    await hub.publish("slow", "done");
    expect((await client.response()).json().events).toMatchObject([{ data: "done" }]);
    expect((await client.head()).headers["transfer-encoding"]).toBe("chunked");
    expect(await client.chunk()).toContain("$open");
    await hub.publish("news", "afterwards");
    expect(await client.chunk()).toContain("afterwards");
  });

  it("long polls behind each other are answered one by one", async () => {
    const { port, hub, store } = await serve();
    const client = await rawConnection(port);
    for (const name of ["one", "two", "three"]) client.request("GET", `/channels/${name}?transport=long-poll`);
    for (const name of ["one", "two", "three"]) {
      await store.whenFollowed(1);
      await hub.publish(name, name);
      expect((await client.response()).json().events).toMatchObject([{ data: name }]);
    }
  });

  it("a thousand at once are answered in order, and those that wait are not all read", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    const one = (count: number) =>
      `POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: ${String(count).length}\r\n\r\n${count}`;
    client.send(Array.from({ length: 1000 }, (_, count) => one(count)).join(""));
    for (let count = 1; count <= 1000; count += 1) {
      expect((await client.response()).json()).toMatchObject({ id: expect.stringMatching(`:${count}$`) });
    }
    expect(await hub.cursor("news")).toMatch(/:1000$/);
  });

  it("of a client that does not read them, one answer at a time is held", async () => {
    const memory = memoryStore();
    let reads = 0;
    const store: Store = {
      append: (...args) => memory.append(...args),
      follow: (...args) => memory.follow(...args),
      read(...args) {
        reads += 1;
        return memory.read(...args);
      },
    };
    const { port, hub } = await serve({ hub: { store } });
    await hub.publish("news", "x".repeat(900_000));
    const client = await rawConnection(port);
    client.socket.pause();
    // In one write, for node:http reads no further itself once much is queued.
    client.send("GET /channels/news?wait=0&from=earliest HTTP/1.1\r\nHost: test\r\n\r\n".repeat(100));
    const other = await rawConnection(port);
    for (let count = 0; count < 20; count += 1) await other.request("GET", "/healthz").response();
    // What the kernel's buffers take is out: a few megabytes, so a few answers.
    expect(reads).toBeLessThan(50);
    client.socket.resume();
    for (let count = 0; count < 100; count += 1) expect((await client.response()).body.length).toBeGreaterThan(900_000);
    expect(reads).toBeGreaterThanOrEqual(100);
  });

  it("are read no further behind an endless stream", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    client.request("GET", "/channels/news");
    await client.head();
    await client.message();
    const posts = "POST /channels/other HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello".repeat(1000);
    let writes = 0;
    while (writes < 1000 && client.socket.write(posts)) writes += 1;
    const other = await rawConnection(port);
    for (let count = 0; count < 20; count += 1) await other.request("GET", "/healthz").response();
    expect(client.socket.writableLength).toBeGreaterThan(0);
    await hub.publish("news", "still live");
    expect(await client.message()).toMatchObject({ data: "still live" });
    expect(await hub.cursor("other")).toMatch(/:0$/);
  });

  it("a request behind an endless stream is not answered and harms nothing", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    client.request("GET", "/channels/news").request("GET", "/channels/news?wait=0");
    await client.head();
    expect(await client.message()).toMatchObject({ type: "$open" });
    await hub.publish("news", "hello");
    expect(await client.message()).toMatchObject({ data: "hello" });
  });
});

describe("HTTP/1.0", () => {
  it.each([
    ["stream", "", /^\{"type":"\$open".*\}\n\{.*"data":"hello".*\}\n\{"type":"\$close".*\}\n$/],
    ["sse", "", /^event: \$open\ndata: .*\nid: .*\n\ndata: hello\nid: .*\n\nretry: .*\nevent: \$close\ndata: .*\n\n$/],
    [
      "stream",
      "Connection: keep-alive\r\n",
      /^\{"type":"\$open".*\}\n\{.*"data":"hello".*\}\n\{"type":"\$close".*\}\n$/,
    ],
  ])("%s %s is unchunked and ends with the connection", async (transport, header, body) => {
    const { port, hub, store } = await serve();
    const client = await rawConnection(port);
    client.send(`GET /channels/news?transport=${transport} HTTP/1.0\r\n${header}\r\n`);
    const { status, headers } = await client.head();
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty("transfer-encoding");
    expect(headers).not.toHaveProperty("content-length");
    expect(headers.connection).toBe("close");
    await store.whenFollowed(1);
    await hub.publish("news", "hello");
    const open = await client.takeTo("hello");
    await hub.close();
    expect(`${open}hello${await client.rest()}`).toMatch(body);
  });

  it("gets short answers with their length, and the connection's end", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    client.send("POST /channels/news HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello");
    const { status, headers } = await client.response();
    expect([status, headers.connection]).toEqual([201, "close"]);
    expect(await client.rest()).toBe("");
  });

  it("keeps the connection where the client asks for that and the answer has a length", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    for (const text of ["one", "two"]) {
      client.send(`POST /channels/news HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n${text}`);
      expect((await client.response()).status).toBe(201);
    }
  });
});
