/** Requests with an `Upgrade` header, which may be no WebSocket, or not Tailwire's. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { createHandler, createHub } from "../../src/index.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { handshakeHeaders } from "../e2e/raw-websocket.ts";
import { dataOf, listen, serve } from "../e2e/serve.ts";

/** As curl `--http2` sends it. */
const H2C = {
  Connection: "Upgrade, HTTP2-Settings",
  Upgrade: "h2c",
  "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
};
const H2C_LINES = Object.entries(H2C).map(([name, value]) => `${name}: ${value}\r\n`);
const CHUNKED = `POST /channels/news HTTP/1.1\r\nHost: test\r\n${H2C_LINES.join("")}Transfer-Encoding: chunked\r\n\r\n`;

describe("an Upgrade that is not a WebSocket is ignored", () => {
  it("for GET of a poll and of a stream, and the connection lives on", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    await hub.publish("news", "hello");
    const poll = await client.request("GET", "/channels/news?wait=0&from=-1", H2C).response();
    expect(poll.json().events).toMatchObject([{ data: "hello" }]);
    const again = await client.request("GET", "/channels/news?wait=0&from=-1", H2C).response();
    expect(again.json().events).toMatchObject([{ data: "hello" }]);
    expect((await client.request("GET", "/channels/news", H2C).head()).headers["transfer-encoding"]).toBe("chunked");
    expect(await client.message()).toMatchObject({ type: "$open" });
    await hub.publish("news", "live");
    expect(await client.message()).toMatchObject({ data: "live" });
  });

  it("for HEAD, DELETE, OPTIONS and errors", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    expect((await client.request("HEAD", "/channels/news", H2C).response("HEAD")).status).toBe(200);
    expect((await client.request("DELETE", "/channels/news", H2C).response()).status).toBe(204);
    expect((await client.request("OPTIONS", "/channels/news", H2C).response()).status).toBe(204);
    expect((await client.request("PUT", "/channels/news", H2C).response()).status).toBe(405);
    expect((await client.request("GET", "/channels/$", H2C).response()).status).toBe(400);
  });

  it("for POST with a body that comes along", async () => {
    const { port, url } = await serve();
    const client = await rawConnection(port);
    expect((await client.request("POST", "/channels/news", H2C, "hello").response()).status).toBe(201);
    expect((await client.request("POST", "/channels/news", H2C, "again").response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual(["hello", "again"]);
  });

  it("for POST with a body that comes later, in pieces", async () => {
    const { port, url, server } = await serve();
    const upgraded = once(server, "upgrade");
    const client = await rawConnection(port);
    const length = { "Content-Length": "11" };
    client.request("POST", "/channels/news", { ...H2C, ...length });
    await upgraded;
    client.send("hello ");
    client.send("world");
    expect((await client.response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual(["hello world"]);
  });

  it("for POST with a chunked body that comes along", async () => {
    const { port, url } = await serve();
    const client = await rawConnection(port);
    client.send(`${CHUNKED}6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n`);
    expect((await client.response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual(["hello world"]);
  });

  it("for POST with a chunked body that comes later", async () => {
    const { port, url, server } = await serve();
    const upgraded = once(server, "upgrade");
    const client = await rawConnection(port);
    client.send(CHUNKED);
    await upgraded;
    client.send("6\r\nhello \r\n").send("5\r\nworld\r\n").send("0\r\n\r\n");
    expect((await client.response()).status).toBe(201);
    expect((await client.request("POST", "/channels/news", {}, "next").response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual(["hello world", "next"]);
  });

  it("and what is pipelined behind it is answered too", async () => {
    const { port, url } = await serve();
    const client = await rawConnection(port);
    client.request("POST", "/channels/news", H2C, "one");
    client.request("POST", "/channels/news", {}, "two").request("GET", "/healthz");
    for (const status of [201, 201, 200]) expect((await client.response()).status).toBe(status);
    expect(await dataOf(url, "news")).toEqual(["one", "two"]);
  });

  it("also of a request that is pipelined behind others", async () => {
    const { port, url } = await serve();
    const client = await rawConnection(port);
    client.request("POST", "/channels/news", {}, "one").request("POST", "/channels/news", H2C, "two");
    client.request("POST", "/channels/news", H2C, "three");
    for (let count = 0; count < 3; count += 1) expect((await client.response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual(["one", "two", "three"]);
  });

  it("also behind a long poll that waits", async () => {
    const { port, hub, store } = await serve();
    const client = await rawConnection(port);
    client.request("GET", "/channels/news?wait=60").request("GET", "/healthz", H2C);
    await store.whenFollowed(1);
    await hub.publish("news", "hello");
    expect((await client.response()).json().events).toMatchObject([{ data: "hello" }]);
    expect((await client.response()).json()).toEqual({ status: "ok" });
  });

  it("for a whole NDJSON stream that goes on after the upgrade", async () => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    const events = hub.subscribe("news");
    const first = events.next();
    client.send(CHUNKED.replace("\r\n\r\n", "\r\nContent-Type: application/x-ndjson\r\n\r\n")).send("2\r\n1\n\r\n");
    expect((await first).value).toMatchObject({ data: 1 });
    client.send("2\r\n2\n\r\n");
    expect((await events.next()).value).toMatchObject({ data: 2 });
    client.send("0\r\n\r\n");
    expect((await client.response()).json()).toMatchObject({ count: 2 });
    await events.return?.();
  });

  it("where the client says so with transport=, even of a WebSocket's handshake", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    const { status, headers } = await client
      .request("GET", "/channels/news?transport=poll", handshakeHeaders())
      .response();
    expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
  });

  it("on the server's other routes, which would not see these requests were Tailwire's listener not the only one", async () => {
    const { port } = await serve({
      path: "/push",
      before: (server) =>
        server.on("request", (req, res) => {
          req.setEncoding("utf8");
          let body = "";
          req.on("data", (text: string) => {
            body += text;
          });
          req.on("end", () => res.end(`the app's own: ${req.method} ${req.url} ${body}`));
        }),
    });
    const client = await rawConnection(port);
    expect((await client.request("GET", "/home", H2C).response()).body).toBe("the app's own: GET /home ");
    expect((await client.request("POST", "/form", H2C, "a=1").response()).body).toBe("the app's own: POST /form a=1");
    expect((await client.request("GET", "/", handshakeHeaders()).response()).body).toBe("the app's own: GET / ");
    expect((await client.request("GET", "/push/channels/news?wait=0", H2C).response()).status).toBe(200);
  });
});

describe("another upgrade listener on the same server", () => {
  it("keeps its routes, whichever was first", async () => {
    for (const first of ["the app", "Tailwire"]) {
      const { port, seen } = await serveBoth(first);
      const theirs = await rawConnection(port);
      theirs.request("GET", "/socket", handshakeHeaders());
      expect(await theirs.takeTo("\r\n\r\n")).toBe("HTTP/1.1 101 Theirs");
      const ours = await rawConnection(port);
      ours.request("GET", "/push/channels/news", handshakeHeaders());
      expect((await ours.head()).status).toBe(101);
      const plain = await rawConnection(port);
      expect((await plain.request("GET", "/push/channels/news?wait=0", H2C).response()).status).toBe(200);
      expect(seen).toEqual(["/socket"]);
    }
  });

  it("keeps h2c for its own routes to itself", async () => {
    const { port, seen } = await serveBoth("the app");
    const client = await rawConnection(port);
    client.request("GET", "/socket", H2C);
    expect(await client.takeTo("\r\n\r\n")).toBe("HTTP/1.1 101 Theirs");
    expect(seen).toEqual(["/socket"]);
  });
});

/** A server where an app has `/socket` and Tailwire `/push`, the one listening before the other. */
async function serveBoth(first: string): Promise<{ readonly port: number; readonly seen: readonly string[] }> {
  const hub = createHub();
  const tailwire = createHandler(hub, { path: "/push" });
  const seen: string[] = [];
  const theirs = ({ url = "" }: { url?: string | undefined }, socket: Duplex) => {
    if (url !== "/socket") return;
    seen.push(url);
    socket.end("HTTP/1.1 101 Theirs\r\n\r\n");
  };
  const server = createServer(tailwire);
  for (const listener of first === "the app" ? [theirs, tailwire.upgrade] : [tailwire.upgrade, theirs]) {
    server.on("upgrade", listener);
  }
  const { port } = await listen(server);
  server.on("close", () => void hub.close());
  return { port, seen };
}

describe("without attach", () => {
  it("the handler's upgrade works for a server that it is given to", async () => {
    const hub = createHub();
    const tailwire = createHandler(hub);
    const server = createServer(tailwire).on("upgrade", tailwire.upgrade);
    const { port } = await listen(server);
    const client = await rawConnection(port);
    client.request("GET", "/channels/news?transport=stream", H2C);
    expect((await client.head()).status).toBe(200);
    const gone = once(client.socket, "close");
    await hub.close();
    server.closeAllConnections();
    await gone;
  });
});

describe("a WebSocket handshake behind other requests", () => {
  it("is answered after them", async () => {
    const { port, hub, store } = await serve();
    const client = await rawConnection(port);
    client.request("POST", "/channels/other", {}, "one").request("GET", "/channels/news?wait=60");
    client.request("GET", "/channels/more", handshakeHeaders());
    expect((await client.response()).status).toBe(201);
    await store.whenFollowed(1);
    await hub.publish("news", "hello");
    expect((await client.response()).json().events).toMatchObject([{ data: "hello" }]);
    expect((await client.head()).status).toBe(101);
  });

  it.each(["stream", "sse"])("is not answered where an endless answer is under way: %s", async (transport) => {
    const { port, hub } = await serve();
    const client = await rawConnection(port);
    await client.request("GET", `/channels/news?transport=${transport}`).head();
    await client.chunk();
    client.request("GET", "/channels/more", handshakeHeaders());
    const other = await rawConnection(port);
    await other.request("GET", "/healthz").response();
    await hub.publish("news", "still live");
    expect(await client.chunk()).toContain("still live");
  });

  it.each(["stream", "sse"])(
    "ends the connection where node:http reads on behind an endless answer: %s",
    async (transport) => {
      const { port, hub, store, server } = await serve();
      server.on("request", () => {}); // somebody else looks at the requests, so node:http keeps them
      const client = await rawConnection(port);
      await client.request("GET", `/channels/news?transport=${transport}`).head();
      await client.chunk();
      client.request("GET", "/channels/more", handshakeHeaders());
      expect(await client.rest()).toBe("");
      await store.whenFollowed(0);
      await hub.publish("news", "to nobody");
    },
  );
});
