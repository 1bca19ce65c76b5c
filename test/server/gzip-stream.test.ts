/** Answers in gzip (RFC 1952), byte by byte, from a bare socket. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { constants, gunzipSync, inflateRawSync } from "node:zlib";
import compression from "compression";
import express from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { createHandler, createHub } from "../../src/index.ts";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { listen, type Served, serve } from "../e2e/serve.ts";

const ON = { handler: { compression: true } };
const GZIP = { "Accept-Encoding": "gzip" };
const HEAD = "1f8b08000000000000ff";
const LONG = "a text that is worth the work. ".repeat(50);

interface Subscribed extends Served {
  readonly client: RawConnection;
  readonly headers: Readonly<Record<string, string>>;
}

async function subscribed(query: string, headers: Readonly<Record<string, string>> = GZIP): Promise<Subscribed> {
  const served = await serve(ON);
  const client = await rawConnection(served.port);
  client.request("GET", `/channels/news?${query}`, headers);
  const head = await client.head();
  expect(head.status).toBe(200);
  return { ...served, client, headers: head.headers };
}

/** The chunks to the end. */
async function restOf(client: RawConnection): Promise<readonly Buffer[]> {
  const chunk = await client.chunkBytes();
  return chunk.length === 0 ? [] : [chunk, ...(await restOf(client))];
}

/** What pieces of a stream come to without those before them. */
function inflated(pieces: Uint8Array): string {
  return inflateRawSync(pieces, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
}

describe.each([
  ["sse", "text/event-stream"],
  ["stream", "application/x-ndjson"],
])("%s in gzip", (transport, contentType) => {
  it("says so, and that it hangs on Accept-Encoding", async () => {
    const { headers } = await subscribed(`transport=${transport}`);
    expect(headers).toMatchObject({
      "content-type": contentType,
      "content-encoding": "gzip",
      vary: "Accept-Encoding",
      "transfer-encoding": "chunked",
      "cache-control": "no-store, no-transform",
    });
  });

  it("begins with its head and $open, stored, in one chunk", async () => {
    const { client } = await subscribed(`transport=${transport}`);
    const chunk = await client.chunkBytes();
    expect(chunk.subarray(0, 10).toString("hex")).toBe(HEAD);
    const text = chunk.subarray(15).toString();
    expect(text).toContain('{"type":"$open"');
    const length = Buffer.byteLength(text);
    expect([chunk[10], chunk.readUInt16LE(11), chunk.readUInt16LE(13)]).toEqual([0, length, 0xffff - length]);
  });

  it("has a chunk a flush: a short one stored, a long one compressed, each on its own and at once", async () => {
    const { client, hub } = await subscribed(`transport=${transport}`);
    await client.chunkBytes();
    await hub.publish("news", "short");
    const stored = await client.chunkBytes();
    expect(stored[0]).toBe(0);
    expect(stored.subarray(5).toString()).toContain("short");
    await hub.publish("news", LONG);
    const deflated = await client.chunkBytes();
    expect(deflated.length).toBeLessThan(300);
    expect(deflated.subarray(-4).toString("hex")).toBe("0000ffff");
    expect(inflated(deflated)).toContain(LONG);
  });

  it("has the same bytes for all, wherever they joined, in streams that end as they should", async () => {
    const { client, hub, port } = await subscribed(`transport=${transport}`);
    const chunks = [await client.chunkBytes()];
    for (const data of ["one", LONG, "ü🙂\r\n"]) {
      await hub.publish("news", data);
      chunks.push(await client.chunkBytes());
    }
    const later = await rawConnection(port);
    later.request("GET", `/channels/news?transport=${transport}`, GZIP);
    await later.head();
    const laterChunks = [await later.chunkBytes()];
    await hub.publish("news", `${LONG}!`);
    chunks.push(await client.chunkBytes());
    laterChunks.push(await later.chunkBytes());
    expect(laterChunks.at(-1)).toEqual(chunks.at(-1));

    await hub.close();
    for (const [reader, read] of [[client, chunks] as const, [later, laterChunks] as const]) {
      read.push(...(await restOf(reader)));
      expect(read.at(-1)?.subarray(0, 2).toString("hex")).toBe("0300");
      const text = gunzipSync(Buffer.concat(read)).toString();
      expect(text).toContain(`${LONG}!`);
      expect(text).toMatch(/"type":"\$close"/);
    }
  });

  it("catches up in gzip, too", async () => {
    const { hub, port } = await serve(ON);
    for (let count = 0; count < 500; count += 1) await hub.publish("news", { count });
    const client = await rawConnection(port);
    client.request("GET", `/channels/news?from=earliest&transport=${transport}`, GZIP);
    await client.head();
    await client.chunkBytes();
    const text = inflated(await client.chunkBytes());
    expect(text).toContain('{"count":0}');
    expect(text).toContain('{"count":499}');
  });

  it("goes through the response where that is not on the socket yet, and is the same", async () => {
    let finish = () => {};
    const others = (req: IncomingMessage, res: ServerResponse) => {
      if (req.url === "/other") finish = () => res.end();
    };
    const served = await serve({ ...ON, before: (server) => server.on("request", others) });
    const client = await rawConnection(served.port);
    client.request("GET", "/other").request("GET", `/channels/news?transport=${transport}`, GZIP);
    await served.store.whenFollowed(1);
    await served.hub.publish("news", LONG);
    finish();
    await client.response();
    expect(await client.head()).toMatchObject({ headers: { "content-encoding": "gzip" } });
    await served.hub.close();
    const chunks = await restOf(client);
    expect(chunks[0]?.subarray(0, 10).toString("hex")).toBe(HEAD);
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toMatch(/a text that is worth the work.*"type":"\$close"/s);
  });
});

describe("compression", () => {
  it("is off where nobody has asked for it", async () => {
    const { port } = await serve();
    const client = await rawConnection(port);
    const { headers } = await client.request("GET", "/channels/news", GZIP).head();
    expect(headers).not.toHaveProperty("content-encoding");
    expect(headers).not.toHaveProperty("vary");
    expect(await client.message()).toMatchObject({ type: "$open" });
  });

  it.each([
    "gzip",
    "GZIP",
    "gzip, deflate, br, zstd",
    "deflate, gzip;q=0.5",
    "br;q=1.0, gzip;q=0.8, *;q=0.1",
    "*",
    "identity;q=0.5, gzip",
    "identity;q=0, *",
    "gzip;q=0.001, identity;q=0",
  ])("answers Accept-Encoding: %s with gzip", async (accepted) => {
    const { headers } = await subscribed("", { "Accept-Encoding": accepted });
    expect(headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
  });

  it.each([
    undefined,
    "",
    "identity",
    "deflate, br",
    "gzip;q=0",
    "gzip;q=0, *",
    "*;q=0",
    "identity, gzip",
    "identity;q=1, gzip;q=0.5",
    "x-gzip",
  ])("answers Accept-Encoding: %s as it is", async (accepted) => {
    const { client, headers } = await subscribed("", accepted === undefined ? {} : { "Accept-Encoding": accepted });
    expect(headers).not.toHaveProperty("content-encoding");
    expect(headers.vary).toBe("Accept-Encoding");
    expect(await client.message()).toMatchObject({ type: "$open" });
  });

  it("is not for HTTP/1.0, whose answers end with the connection", async () => {
    const { port } = await serve(ON);
    const client = await rawConnection(port);
    client.send("GET /channels/news HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
    const { headers } = await client.head();
    expect(headers).not.toHaveProperty("content-encoding");
    expect(await client.takeTo("\n")).toContain('"$open"');
  });

  it.each(["wait=0", "wait=0.01"])("leaves bodies that end alone: %s", async (query) => {
    const { port, hub } = await serve(ON);
    await hub.publish("news", LONG);
    const client = await rawConnection(port);
    const answer = await client.request("GET", `/channels/news?from=earliest&${query}`, GZIP).response();
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(answer.json()).toMatchObject({ events: [{ data: LONG }] });
  });

  it("has a heartbeat come through", async () => {
    const served = await serve({ ...ON, hub: { heartbeatMs: 100 } });
    const client = await rawConnection(served.port);
    await client.request("GET", "/channels/news", GZIP).head();
    await client.chunkBytes();
    expect(inflated(await client.chunkBytes())).toContain("$heartbeat");
  });

  it("adds to what hangs on other headers, and leaves alone what is encoded already", async () => {
    const hub = createHub();
    onTestFinished(() => hub.close());
    const handler = createHandler(hub, { compression: true });
    const server = createServer((req, res) => {
      res.setHeader("Vary", "Origin");
      if (req.url?.endsWith("encoded")) res.setHeader("Content-Encoding", "identity");
      handler(req, res);
    });
    const { port } = await listen(server);
    const client = await rawConnection(port);
    const { headers } = await client.request("GET", "/channels/news", GZIP).head();
    expect(headers).toMatchObject({ vary: "Origin, Accept-Encoding", "content-encoding": "gzip" });
    expect((await client.chunkBytes()).subarray(0, 10).toString("hex")).toBe(HEAD);
    const other = await rawConnection(port);
    const encoded = await other.request("GET", "/channels/news?encoded", GZIP).head();
    expect(encoded.headers["content-encoding"]).toBe("identity");
    expect(await other.message()).toMatchObject({ type: "$open" });
  });

  it("leaves an Express response that its compression may write into alone", async () => {
    const hub = createHub();
    onTestFinished(() => hub.close());
    const app = express().use(compression(), createHandler(hub, { compression: true }));
    const { port } = await listen(createServer(app));
    const client = await rawConnection(port);
    const { headers } = await client.request("GET", "/channels/news", GZIP).head();
    expect(headers).not.toHaveProperty("content-encoding");
    expect(await client.message()).toMatchObject({ type: "$open" });
  });

  it("of a client that is gone ends without a word", async () => {
    const { client, hub, store } = await subscribed("");
    await client.chunkBytes();
    await store.whenFollowed(1);
    client.reset();
    await once(client.socket, "close");
    await store.whenFollowed(0);
    await hub.publish("news", LONG);
  });
});
