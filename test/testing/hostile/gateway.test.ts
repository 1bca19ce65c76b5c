/** A network that works on requests and answers is an intermediary as it should be, where it does no harm. */

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { holdToEnd } from "../../../src/testing/index.ts";
import { eventually, turn } from "../../../src/testing/waiting.ts";
import {
  ask,
  between,
  crlf,
  ending,
  GET,
  HANDSHAKE,
  rawServer,
  requestHead,
  SWITCHED,
  stalled,
  turns,
} from "./stage.ts";

const MIB = 1024 * 1024;

/** Nothing is meant, so everything goes through. */
const harmless = () => between(holdToEnd({ only: () => false }));

describe("a request", () => {
  test("goes on with its own headers, and without those that were for the proxy", async () => {
    const net = await harmless();
    const { lines } = await ask(net, (client) =>
      client.send(
        crlf(`GET /a%20b?c=d HTTP/1.1
            Host: example.org
            X-Twice: 1
            x-twice: 2
            Connection: keep-alive, X-Hop
            X-Hop: mine
            TE: trailers
            Cookie: a=b; c=d`),
      ),
    );
    expect(lines).toEqual([
      "GET /a%20b?c=d HTTP/1.1",
      "Host: example.org",
      "X-Twice: 1",
      "x-twice: 2",
      "Cookie: a=b; c=d",
      "Connection: close",
    ]);
    expect(net.proxy.counts).toMatchObject({ connections: 1, requests: 1, faults: 0 });
  });

  test("goes on with a body of known length", async () => {
    const { server, lines } = await ask(await harmless(), (client) => client.request("POST", "/", {}, "hello"));
    expect(lines).toContain("Content-Length: 5");
    expect((await server.take(5)).toString()).toBe("hello");
  });

  test("goes on with a body of unknown length, piece by piece, whatever its method is", async () => {
    for (const method of ["POST", "GET"]) {
      const { client, server, lines } = await ask(await harmless(), (client) =>
        client.request(method, "/", { "Transfer-Encoding": "chunked" }),
      );
      expect(lines).toContain("Transfer-Encoding: chunked");
      client.send("3\r\nabc\r\n");
      expect(await server.chunk()).toBe("abc");
      client.send("2\r\nde\r\n0\r\n\r\n");
      expect([await server.chunk(), await server.chunk()]).toEqual(["de", ""]);
    }
  });

  test("that expects 100 is told to go on by the server, and not before", async () => {
    const { client, server, lines } = await ask(await harmless(), (client) =>
      client.send(crlf("POST / HTTP/1.1\nHost: test\nContent-Length: 2\nExpect: 100-continue")),
    );
    expect(lines).toContain("Expect: 100-continue");
    expect(client.quiet).toBe(true);
    server.send("HTTP/1.1 100 Continue\r\n\r\n");
    expect((await client.head()).status).toBe(100);
    client.send("hi");
    expect((await server.take(2)).toString()).toBe("hi");
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    expect((await client.response()).status).toBe(200);
  });

  test("with a long body waits for a server that takes its time", async () => {
    const { client, server } = await ask(await harmless(), (client) =>
      client.request("POST", "/", { "Content-Length": String(64 * MIB) }),
    );
    server.socket.removeAllListeners("data").pause();
    for (let n = 0; n < 64; n += 1) client.send(randomBytes(MIB));
    await stalled(client.socket);
    expect(client.socket.writableLength).toBeGreaterThan(16 * MIB);
    server.socket.resume();
    await eventually("all has arrived", () => server.socket.bytesRead > 64 * MIB);
  });

  test("that is answered before it was read whole leaves the connection fit for the next", async () => {
    const net = await harmless();
    const { client, server } = await ask(net, (client) =>
      client.request("POST", "/", { "Content-Length": "10" }).send("12345"),
    );
    server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    expect((await client.response()).status).toBe(413);
    client.send("67890").request("GET", "/next");
    expect((await requestHead(await net.server()))[0]).toBe("GET /next HTTP/1.1");
  });

  test("is followed by others on the same connection, one by one, also where they are sent at once", async () => {
    const net = await harmless();
    const client = await net.client();
    client.request("GET", "/1").request("GET", "/2");
    for (const [index, path] of ["/1", "/2"].entries()) {
      const server = await net.server();
      expect(net.proxy.counts.requests).toBe(index + 1);
      expect((await requestHead(server))[0]).toBe(`GET ${path} HTTP/1.1`);
      server.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${path}`);
    }
    expect([(await client.response()).body, (await client.response()).body]).toEqual(["/1", "/2"]);
    expect(net.proxy.counts).toMatchObject({ connections: 1, requests: 2 });
  });

  test("of a client that has ended its side is told to the server as that, and answered", async () => {
    const { client, server } = await ask(await harmless(), (client) => client.request("GET", "/").end());
    expect(await server.rest()).toBe("");
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    expect((await client.response()).body).toBe("hi");
    expect(await ending(client)).toBe("fin");
  });

  test("of a client that is gone is ended at the server", async () => {
    const { client, server } = await ask(await harmless(), (client) => client.request("GET", "/"));
    server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await client.head();
    client.reset();
    await ending(server);
  });

  test("that is none is answered with 400", async () => {
    const client = await (await harmless()).client();
    client.send("nonsense\r\n\r\n");
    expect((await client.head()).status).toBe(400);
  });
});

describe("an answer", () => {
  test("comes with its own headers, repeated ones each, and without those for the proxy", async () => {
    const { client, server } = await ask(await harmless());
    server.send(
      crlf(`HTTP/1.1 299 As You Like
            Date: yesterday
            Set-Cookie: a=1
            Set-Cookie: b=2
            X-Hop: mine
            Connection: close, x-hop
            Content-Length: 0`),
    );
    expect(await requestHead(client)).toEqual([
      "HTTP/1.1 299 As You Like",
      "Date: yesterday",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "Content-Length: 0",
      "Connection: keep-alive",
    ]);
  });

  test("has its head at once, and its body piece by piece", async () => {
    const { client, server } = await ask(await harmless());
    server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect((await client.head()).headers["transfer-encoding"]).toBe("chunked");
    server.send("3\r\nabc\r\n");
    expect(await client.chunk()).toBe("abc");
    server.send("1\r\nd\r\n0\r\n\r\n");
    expect([await client.chunk(), await client.chunk()]).toEqual(["d", ""]);
  });

  test("that ends with its connection is whole", async () => {
    const { client, server } = await ask(await harmless());
    server.send("HTTP/1.1 200 OK\r\n\r\nall of it").end();
    expect((await client.response()).body).toBe("all of it");
  });

  test("to an HTTP/1.0 client ends with the connection", async () => {
    const { client, server } = await ask(await harmless(), (client) => client.send("GET / HTTP/1.0\r\n\r\n"));
    server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    expect((await client.response()).body).toBe("hi");
    expect(await ending(client)).toBe("fin");
  });

  test.each([
    ["HEAD", "200 OK\r\nContent-Length: 5"],
    ["HEAD", "200 OK\r\nTransfer-Encoding: chunked"],
    ["GET", '304 Not Modified\r\nETag: "x"'],
    ["GET", "204 No Content"],
  ])("to %s with %j has no body, and the next one follows it", async (method, status) => {
    const net = await harmless();
    const { client, server } = await ask(net, (client) => client.request(method, "/"));
    server.send(`HTTP/1.1 ${status}\r\n\r\n`);
    const [first, ...headers] = await requestHead(client);
    expect(first).toBe(`HTTP/1.1 ${status.split("\r\n")[0]}`);
    if (status.includes("Content-Length")) expect(headers).toContain("Content-Length: 5");
    client.request("GET", "/next");
    const next = await net.server();
    await requestHead(next);
    next.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    expect((await client.response()).body).toBe("hi");
  });

  test("that the server breaks off is broken off", async () => {
    const { client, server } = await ask(await harmless());
    server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    await client.head();
    await client.chunk();
    server.end();
    expect(await client.rest()).toBe("");
  });

  test("waits for a client that takes its time", async () => {
    const { client, server } = await ask(await harmless());
    client.socket.removeAllListeners("data").pause();
    server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
    for (let n = 0; n < 64; n += 1) server.send(randomBytes(MIB));
    await stalled(server.socket);
    expect(server.socket.writableLength).toBeGreaterThan(16 * MIB);
    client.socket.resume();
    await eventually("all has arrived", () => client.socket.bytesRead > 64 * MIB);
  });

  test.each([
    "",
    "HTTP/1.1 200",
    "nonsense\r\n\r\n",
    "HTTP/1.1 099 Low\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
  ])("that is none (%j) is 502", async (bytes) => {
    const { client, server } = await ask(await harmless());
    server.send(bytes).end();
    expect((await client.response()).status).toBe(502);
  });

  test("of a server that is not there is 502", async () => {
    const gone = await holdToEnd().start((await rawServer()).url);
    await gone.close();
    const client = await (await between(holdToEnd({ only: () => false }), gone.url)).client();
    client.request("GET", "/");
    expect((await client.response()).status).toBe(502);
  });
});

describe("a switch to WebSocket", () => {
  test("goes through, and then every byte in both directions, those sent behind the heads too", async () => {
    const net = await harmless();
    const { client, server, lines } = await ask(net, (client) => client.send(`${HANDSHAKE}early`));
    expect(lines).toEqual([
      "GET /ws HTTP/1.1",
      "Host: test",
      "Sec-WebSocket-Key: k",
      "Connection: Upgrade",
      "Upgrade: websocket",
    ]);
    server.send(`${SWITCHED}first`);
    expect((await client.head()).headers).toEqual({
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-accept": "a",
    });
    expect((await client.take(5)).toString()).toBe("first");
    expect((await server.take(5)).toString()).toBe("early");
    const bytes = randomBytes(300_000);
    server.send(bytes);
    client.send(bytes);
    expect((await client.take(bytes.length)).equals(bytes)).toBe(true);
    expect((await server.take(bytes.length)).equals(bytes)).toBe(true);
    client.end();
    expect(await server.rest()).toBe("");
    server.send("bye").end();
    expect(await client.rest()).toBe("bye");
    expect(net.proxy.counts).toMatchObject({ requests: 1, cuts: 0 });
  });

  test("may be reset by either side", async () => {
    for (const [from, to] of [
      ["client", "server"],
      ["server", "client"],
    ] as const) {
      const ends = await ask(await harmless(), HANDSHAKE);
      ends.server.send(SWITCHED);
      await ends.client.head();
      ends[from].reset();
      expect(await ending(ends[to])).toBe("reset");
    }
  });

  test("that the server refuses has its answer, and is the last on its connection", async () => {
    const { client, server } = await ask(await harmless(), (client) => client.send(HANDSHAKE));
    server.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    expect(await client.response()).toMatchObject({ status: 403, body: "no", headers: { connection: "close" } });
    expect(await ending(client)).toBe("fin");
  });

  test("of a client that leaves before the answer is ended at the server", async () => {
    const { client, server } = await ask(await harmless(), (client) => client.send(HANDSHAKE));
    client.reset();
    await ending(server);
  });

  test("may follow other requests on its connection", async () => {
    const net = await harmless();
    const { client, server } = await ask(net);
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    await client.response();
    client.send(HANDSHAKE);
    const next = await net.server();
    await requestHead(next);
    next.send(SWITCHED);
    expect((await client.head()).status).toBe(101);
  });

  test("waits for the answers to the requests before it", async () => {
    const net = await harmless();
    const { client, server } = await ask(net, `${GET}${HANDSHAKE}early`);
    await turns();
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    expect((await client.response()).body).toBe("hi");
    const next = await net.server();
    await requestHead(next);
    next.send(SWITCHED);
    expect((await client.head()).status).toBe(101);
    expect((await next.take(5)).toString()).toBe("early");
  });

  test("to another protocol is not passed on: the request is an ordinary one", async () => {
    const net = await harmless();
    const { client, server, lines } = await ask(net, (client) =>
      client.request(
        "POST",
        "/",
        { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAA", "X-Own": "1" },
        "body",
      ),
    );
    expect(lines).toEqual(["POST / HTTP/1.1", "Host: test", "X-Own: 1", "Content-Length: 4", "Connection: close"]);
    expect((await server.take(4)).toString()).toBe("body");
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    expect((await client.response()).body).toBe("hi");
    client.request("GET", "/next");
    expect((await requestHead(await net.server()))[0]).toBe("GET /next HTTP/1.1");
    expect(net.proxy.counts).toMatchObject({ connections: 1, requests: 2 });
  });
});

test("only is asked once for each request", async () => {
  const asked: string[] = [];
  const net = await between(
    holdToEnd({
      only({ method, url, headers }) {
        asked.push(`${method} ${url} ${headers.upgrade ?? ""}`);
        return false;
      },
    }),
  );
  for (const upgrade of ["h2c", "websocket"]) {
    const client = await net.client();
    client.request("GET", "/", { Connection: "Upgrade", Upgrade: upgrade });
    await requestHead(await net.server());
  }
  expect(asked).toEqual(["GET / h2c", "GET / websocket"]);
});

test("closing ends requests that are under way, and those that come meanwhile", async () => {
  const net = await harmless();
  const { client, server } = await ask(net);
  await net.proxy.close();
  await Promise.all([ending(client), ending(server)]);
  await turn();
  await expect(net.client()).rejects.toThrow("ECONNREFUSED");
});
