/** Networks that hold answers back, byte by byte. */

import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { gzipBuffering, holdOneBehind, holdToEnd } from "../../../src/testing/index.ts";
import { eventually } from "../../../src/testing/waiting.ts";
import { ask, between, crlf, ending, GET, HANDSHAKE, SWITCHED, turns } from "./stage.ts";

const CHUNKED = crlf("HTTP/1.1 200 OK\nX-Own: 1\nTransfer-Encoding: chunked");
const GET_GZIP = crlf("GET / HTTP/1.1\nHost: test\nAccept-Encoding: gzip, deflate");

describe("holdToEnd", () => {
  test("holds an answer, its head too, until it has ended, and then passes it on whole", async () => {
    const net = await between(holdToEnd());
    const { client, server } = await ask(net);
    server.send(`${CHUNKED}3\r\nabc\r\n`);
    await turns();
    server.send("1\r\nd\r\n");
    await turns();
    expect(client.quiet).toBe(true);
    server.send("0\r\n\r\n");
    const answer = await client.response();
    expect(answer).toMatchObject({ status: 200, body: "abcd", headers: { "x-own": "1", "content-length": "4" } });
    expect(net.proxy.counts).toMatchObject({ requests: 1, faults: 1, cuts: 0 });
  });

  test("passes an answer on whose end is the connection's, and goes on with the next", async () => {
    const net = await between(holdToEnd());
    const { client, server } = await ask(net);
    server.send("HTTP/1.1 200 OK\r\n\r\nall").end();
    expect((await client.response()).body).toBe("all");
    client.send(GET);
    const next = await net.server();
    next.send("HTTP/1.1 204 No Content\r\nX-Own: 1\r\n\r\n");
    expect((await client.head()).headers).toMatchObject({ "x-own": "1" });
  });

  test("leaves the length that an answer to HEAD tells", async () => {
    const { client, server } = await ask(await between(holdToEnd()), crlf("HEAD / HTTP/1.1\nHost: test"));
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    expect((await client.response("HEAD")).headers["content-length"]).toBe("7");
  });

  test("answers 502 for an answer that is longer than it may hold, and lets go of the server", async () => {
    const net = await between(holdToEnd({ maxHeldBytes: 10 }));
    const { client, server } = await ask(net);
    server.send(`${CHUNKED}a\r\n0123456789\r\n`);
    await turns();
    expect(client.quiet).toBe(true);
    server.send("1\r\na\r\n");
    expect((await client.response()).status).toBe(502);
    await ending(server);
    expect(net.proxy.counts.overflows).toBe(1);
  });

  test("answers 502 for an answer that the server breaks off", async () => {
    const { client, server } = await ask(await between(holdToEnd()));
    server.send(`${CHUNKED}3\r\nabc\r\n`).end();
    expect(await client.response()).toMatchObject({ status: 502 });
  });

  test("lets go of the server when the client leaves", async () => {
    const { client, server } = await ask(await between(holdToEnd()));
    server.send(`${CHUNKED}3\r\nabc\r\n`);
    client.reset();
    await ending(server);
  });

  test("holds nothing of what is not meant, nor of WebSockets", async () => {
    const net = await between(holdToEnd({ only: ({ url }) => url !== "/" }));
    const first = await ask(net);
    first.server.send(CHUNKED);
    expect((await first.client.head()).status).toBe(200);
    const second = await ask(net, HANDSHAKE);
    second.server.send(`${SWITCHED}frame`);
    await second.client.head();
    expect((await second.client.take(5)).toString()).toBe("frame");
    expect(net.proxy.counts.faults).toBe(0);
  });
});

describe("holdOneBehind", () => {
  test("holds what was written last until the next write, the head with the first", async () => {
    const net = await between(holdOneBehind());
    const { client, server } = await ask(net);
    server.send(CHUNKED);
    await turns();
    server.send("3\r\none\r\n");
    await turns();
    expect(client.quiet).toBe(true);
    server.send("3\r\ntwo\r\n");
    expect((await client.head()).headers["x-own"]).toBe("1");
    expect(await client.chunk()).toBe("one");
    await turns();
    expect(client.quiet).toBe(true);
    server.send("5\r\nthree\r\n");
    expect(await client.chunk()).toBe("two");
    server.send("0\r\n\r\n");
    expect([await client.chunk(), await client.chunk()]).toEqual(["three", ""]);
    expect(net.proxy.counts).toMatchObject({ faults: 1, cuts: 0 });
  });

  test.each([
    ["its length is reached", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false],
    ["it ends with the connection", "HTTP/1.1 200 OK\r\n\r\nhi", true],
  ])("passes an answer on whole when %s", async (_, bytes, ends) => {
    const { client, server } = await ask(await between(holdOneBehind()));
    server.send(bytes);
    if (ends) server.end();
    expect((await client.response()).body).toBe("hi");
  });

  test("passes an answer without a body on", async () => {
    const { client, server } = await ask(await between(holdOneBehind()));
    server.send("HTTP/1.1 304 Not Modified\r\n\r\n");
    expect((await client.response()).status).toBe(304);
  });

  test("holds the last of what a server sends over a WebSocket, and nothing of what the client sends", async () => {
    const net = await between(holdOneBehind());
    const { client, server } = await ask(net, HANDSHAKE);
    server.send(SWITCHED);
    expect((await client.head()).status).toBe(101);
    client.send("up");
    expect((await server.take(2)).toString()).toBe("up");
    server.send("one");
    await turns();
    expect(client.quiet).toBe(true);
    server.send("two");
    expect((await client.take(3)).toString()).toBe("one");
    await turns();
    expect(client.quiet).toBe(true);
    server.end();
    expect(await client.rest()).toBe("two");
    expect(net.proxy.counts.faults).toBe(1);
  });
});

describe("gzipBuffering", () => {
  test("compresses an answer, and says nothing of it before it has a block full", async () => {
    const net = await between(gzipBuffering());
    const { client, server } = await ask(net, GET_GZIP);
    server.send(`${CHUNKED}5\r\nhello\r\n`);
    const { headers } = await client.head();
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding", "x-own": "1" });
    expect((await client.chunk()).length).toBe(10); // gzip's own head (RFC 1952, 2.3)
    await turns();
    expect(client.quiet).toBe(true);
    server.send("0\r\n\r\n");
    await eventually("the body came", () => !client.quiet);
    expect(net.proxy.counts.faults).toBe(1);
  });

  test("gives what unpacks to the answer", async () => {
    const { client, server } = await ask(await between(gzipBuffering()), GET_GZIP);
    const body = "Tailwire ".repeat(100_000);
    server.send(`HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const chunks: Buffer[] = [];
    const { headers } = await client.head();
    expect([headers.etag, headers["content-length"]]).toEqual(['W/"a"', undefined]);
    for (;;) {
      const size = Number.parseInt(await client.takeTo("\r\n"), 16);
      chunks.push(await client.take(size));
      await client.takeTo("\r\n");
      if (size === 0) break;
    }
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe(body);
  });

  test.each(["", "Accept-Encoding: br", "Accept-Encoding: gzip;q=0, *", "Accept-Encoding: *;q=0.0"])(
    "leaves an answer alone where the client says %j",
    async (accepts) => {
      const { client, server } = await ask(
        await between(gzipBuffering()),
        crlf(`GET / HTTP/1.1\nHost: test\n${accepts}`),
      );
      server.send('HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 2\r\n\r\nhi');
      expect(await client.response()).toMatchObject({ body: "hi", headers: { etag: '"a"' } });
    },
  );

  test.each([
    ["GET", "200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nhi"],
    ["GET", '304 Not Modified\r\nETag: "a"\r\n\r\n'],
    ["HEAD", "200 OK\r\nContent-Length: 2\r\n\r\n"],
  ])("leaves what it cannot compress alone: %s with %j", async (method, bytes) => {
    const { client, server } = await ask(await between(gzipBuffering()), GET_GZIP.replace("GET", method));
    server.send(`HTTP/1.1 ${bytes}`);
    expect((await client.head()).headers["content-encoding"]).not.toBe("gzip");
  });

  test("breaks an answer off that the server breaks off", async () => {
    const { client, server } = await ask(await between(gzipBuffering()), GET_GZIP);
    server.send(`${CHUNKED}5\r\nhello\r\n`);
    await client.head();
    await client.chunk();
    server.end();
    expect(await client.rest()).toBe("");
  });
});
