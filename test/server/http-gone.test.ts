/** A client that goes away is noticed and freed at once: then nobody reads its channel, and the hub unfollows it. */

import { describe, expect, it } from "vitest";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { handshakeHeaders } from "../e2e/raw-websocket.ts";
import { serve } from "../e2e/serve.ts";

const WAYS: readonly (readonly [string, (client: RawConnection) => void])[] = [
  ["FIN", (client) => client.end()],
  ["RST", (client) => client.reset()],
];

const LINKS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["stream", "/channels/news?transport=stream", {}],
  ["sse", "/channels/news?transport=sse", {}],
  ["sse of several channels", "/channels/news,more?transport=sse", {}],
  ["long-poll", "/channels/news?transport=long-poll&wait=60", {}],
  ["raw websocket", "/channels/news", handshakeHeaders()],
  ["websocket", "/channels/news,more", { ...handshakeHeaders(), "Sec-WebSocket-Protocol": "tailwire.v1" }],
];

describe.each(WAYS)("a client that goes by %s", (_, go) => {
  it.each(LINKS)("is freed at once: %s", async (name, path, headers) => {
    const { port, store, hub } = await serve();
    const client = await rawConnection(port);
    client.request("GET", path, headers);
    await store.whenFollowed(path.includes("more") ? 2 : 1);
    if (name !== "long-poll") await client.head();
    go(client);
    await store.whenFollowed(0);
    await hub.publish("news", "to nobody");
    expect(store.followed).toBe(0);
  });

  it("is freed at once over HTTP/1.0", async () => {
    const { port, store } = await serve();
    const client = await rawConnection(port);
    client.send("GET /channels/news HTTP/1.0\r\n\r\n");
    await client.head();
    expect(store.followed).toBe(1);
    go(client);
    await store.whenFollowed(0);
  });

  it.each(["stream", "sse", "long-poll"])("is freed at once with what waits behind a long poll: %s", async (name) => {
    const { port, store } = await serve();
    const client = await rawConnection(port);
    client.request("GET", "/channels/slow?transport=long-poll&wait=60");
    client.request("GET", `/channels/news?transport=${name}`);
    await store.whenFollowed(1);
    go(client);
    await store.whenFollowed(0);
  });

  it("is freed while it is far behind", async () => {
    const { port, store, hub } = await serve({ hub: { maxBufferedBytes: 1000 } });
    for (let count = 0; count < 16; count += 1) await hub.publish("news", "x".repeat(60_000));
    const client = await rawConnection(port);
    client.socket.pause();
    client.request("GET", "/channels/news?from=earliest");
    await store.whenFollowed(1);
    for (let count = 0; count < 200; count += 1) await hub.publish("news", "x".repeat(60_000));
    client.socket.resume();
    go(client);
    await store.whenFollowed(0);
  });

  it("leaves the others live", async () => {
    const { port, store, hub } = await serve();
    const stays = await rawConnection(port);
    await stays.request("GET", "/channels/news").head();
    await stays.message();
    const goes = await rawConnection(port);
    await goes.request("GET", "/channels/other").head();
    expect(store.followed).toBe(2);
    go(goes);
    await store.whenFollowed(1);
    await hub.publish("news", "hello");
    expect(await stays.message()).toMatchObject({ data: "hello" });
  });
});

describe("a hub that closes", () => {
  it("tells every stream and answers every long poll", async () => {
    const { port, store, hub } = await serve();
    const stream = await rawConnection(port);
    await stream.request("GET", "/channels/news").head();
    await stream.message();
    const poll = await rawConnection(port);
    poll.request("GET", "/channels/slow?transport=long-poll");
    await store.whenFollowed(2);
    await hub.close();
    expect(await stream.message()).toMatchObject({ type: "$close", code: 1001, reconnectMs: expect.any(Number) });
    expect(await stream.chunk()).toBe("");
    const answer = await poll.response();
    expect([answer.json(), answer.headers.connection]).toMatchObject([{ events: [] }, "close"]);
    expect(store.followed).toBe(0);
    const late = await (await rawConnection(port)).request("GET", "/channels/news").response();
    expect([late.status, late.json().code]).toEqual([503, "shutting_down"]);
  });
});
