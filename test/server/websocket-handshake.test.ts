/** The handshake (RFC 6455, 4), from a bare socket. */

import { describe, expect, it } from "vitest";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { handshakeHeaders, OPCODES, rawWebSocket } from "../e2e/raw-websocket.ts";
import { type Served, serve } from "../e2e/serve.ts";

async function connected(): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve();
  return { ...served, client: await rawConnection(served.port) };
}

describe("a handshake", () => {
  it("is answered with the accept of RFC 6455, 1.3, and the cursor", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", 1);
    const key = { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const { status, headers } = await client.request("GET", "/channels/news", { ...handshakeHeaders(), ...key }).head();
    expect(status).toBe(101);
    expect(headers).toMatchObject({
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "tailwire-cursor": id,
    });
    expect(headers).not.toHaveProperty("sec-websocket-protocol");
    expect(headers).not.toHaveProperty("sec-websocket-extensions");
  });

  it("takes the header's words in any case, and others beside them", async () => {
    const { client } = await connected();
    const headers = { ...handshakeHeaders(), Connection: "keep-alive, upgrade", Upgrade: "WebSocket" };
    expect((await client.request("GET", "/channels/news", headers).head()).status).toBe(101);
  });

  it("chooses tailwire.v1 among the subprotocols offered", async () => {
    const { port } = await serve();
    const offered = { "Sec-WebSocket-Protocol": "other, tailwire.v1" };
    const socket = await rawWebSocket(port, "/channels/a,b", offered);
    expect([socket.head.status, socket.head.headers["sec-websocket-protocol"]]).toEqual([101, "tailwire.v1"]);
    expect(await socket.message()).toMatchObject({
      type: "$open",
      transport: "websocket",
      cursor: socket.head.headers["tailwire-cursor"],
    });
  });

  it("takes frames that come in the same packet", async () => {
    const { client, hub } = await connected();
    const events = hub.subscribe("news");
    const first = events.next();
    const head = Object.entries(handshakeHeaders()).map(([name, value]) => `${name}: ${value}\r\n`);
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    client.send(
      Buffer.concat([Buffer.from(`GET /channels/news HTTP/1.1\r\nHost: test\r\n${head.join("")}\r\n`), frame]),
    );
    expect((await client.head()).status).toBe(101);
    expect((await first).value).toMatchObject({ data: "hi" });
    await events.return?.();
  });

  it("has Last-Event-ID win over from, and gives what follows", async () => {
    const { port, hub } = await serve();
    const { id } = await hub.publish("news", "first");
    await hub.publish("news", "second");
    const socket = await rawWebSocket(port, "/channels/news?from=earliest", { "Last-Event-ID": id });
    expect((await socket.dataFrame()).payload.toString()).toBe("second");
  });
});

describe("a handshake that is refused", () => {
  it.each(["12", "8", "", "13, 14", "013"])("version %j: 426, and which version is spoken", async (version) => {
    const { client } = await connected();
    const bad = { ...handshakeHeaders(), "Sec-WebSocket-Version": version };
    const { status, headers, json } = await client.request("GET", "/channels/news", bad).response();
    expect(status).toBe(426);
    expect(headers).toMatchObject({ "sec-websocket-version": "13", "content-type": "application/problem+json" });
    expect(headers.upgrade).toBe("websocket");
    expect(json()).toMatchObject({ status: 426, code: "upgrade_required" });
  });

  it("426 says in Connection that it has an Upgrade (RFC 9110, 7.8)", async () => {
    const { client } = await connected();
    const bad = { ...handshakeHeaders(), "Sec-WebSocket-Version": "12" };
    const { headers } = await client.request("GET", "/channels/news", bad).head();
    expect(headers.connection?.toLowerCase().split(/, */)).toContain("upgrade");
  });

  it("no version: 426", async () => {
    const { client } = await connected();
    const { "Sec-WebSocket-Version": _, ...headers } = handshakeHeaders();
    expect((await client.request("GET", "/channels/news", headers).response()).status).toBe(426);
  });

  it.each([
    ["key that is no base64", "?".repeat(24)],
    ["key of too few bytes", Buffer.alloc(15).toString("base64")],
    ["key of too many bytes", Buffer.alloc(17).toString("base64")],
    ["empty key", ""],
  ])("%s: 400 invalid_handshake", async (_, key) => {
    const { client, store } = await connected();
    const bad = { ...handshakeHeaders(), "Sec-WebSocket-Key": key };
    const { status, json } = await client.request("GET", "/channels/news", bad).response();
    expect([status, json().code]).toEqual([400, "invalid_handshake"]);
    expect(store.followed).toBe(0);
  });

  it.each(["other", "tailwire.v2", "TAILWIRE.V1", "other, tailwire.v10"])(
    "only foreign subprotocols, %s: 400 invalid_handshake",
    async (offered) => {
      const { client } = await connected();
      const bad = { ...handshakeHeaders(), "Sec-WebSocket-Protocol": offered };
      const { status, json } = await client.request("GET", "/channels/news", bad).response();
      expect([status, json().code]).toEqual([400, "invalid_handshake"]);
    },
  );

  it("POST: 400 invalid_handshake", async () => {
    const { client } = await connected();
    const { status, json } = await client.request("POST", "/channels/news", handshakeHeaders()).response();
    expect([status, json().code]).toEqual([400, "invalid_handshake"]);
  });

  it.each([
    ["/channels/$x", "invalid_channel", undefined],
    ["/channels/a,a", "invalid_channel", undefined],
    ["/channels/a?from=x", "invalid_parameter", "from"],
    ["/channels/a,b?format=raw", "invalid_parameter", "format"],
    ["/channels/a?format=x", "invalid_parameter", "format"],
    ["/channels/a?limit=0", "invalid_parameter", "limit"],
  ])("%s: 400 %s", async (path, code, parameter) => {
    const { client } = await connected();
    const { status, json } = await client.request("GET", path, handshakeHeaders()).response();
    expect([status, json().code, json().parameter]).toEqual([400, code, parameter]);
  });

  it("a cursor ahead of the log: 400 invalid_cursor, and nothing is held", async () => {
    const { port, hub, store } = await serve();
    const [epoch] = (await hub.publish("news", 1)).id.split(":");
    for (const offered of [{}, { "Sec-WebSocket-Protocol": "tailwire.v1" }]) {
      const client = await rawConnection(port);
      client.request("GET", `/channels/other,news?from=news=${epoch}:9`, { ...handshakeHeaders(), ...offered });
      const { status, json } = await client.response();
      expect([status, json().code]).toEqual([400, "invalid_cursor"]);
      expect(await client.rest()).toBe("");
      await store.whenFollowed(0);
    }
  });

  it("a hub that is closed: 503 shutting_down", async () => {
    const { client, hub } = await connected();
    await hub.close();
    const { status, json } = await client.request("GET", "/channels/news", handshakeHeaders()).response();
    expect([status, json().code]).toEqual([503, "shutting_down"]);
  });
});

describe("the close handshake", () => {
  it("answers the client's close with its code, and ends the connection", async () => {
    const { port, store } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    const payload = Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from("bye")]);
    socket.send(payload, "close");
    expect(await socket.closeCode()).toBe(1000);
    expect(await socket.connection.rest()).toBe("");
    await store.whenFollowed(0);
  });

  it("answers a close without a code", async () => {
    const { port } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    expect(await socket.send("", "close").closeCode()).toBe(1005);
    expect(await socket.connection.rest()).toBe("");
  });

  it("begins with the server when the hub closes, after $close", async () => {
    const { port, hub } = await serve();
    const messages = await rawWebSocket(port, "/channels/news", { "Sec-WebSocket-Protocol": "tailwire.v1" });
    const raw = await rawWebSocket(port, "/channels/news");
    await messages.message();
    await hub.close();
    expect(await messages.message()).toMatchObject({ type: "$close", code: 1001, reconnectMs: expect.any(Number) });
    for (const socket of [messages, raw]) {
      const { opcode, payload } = await socket.frame();
      expect([opcode, payload.readUInt16BE()]).toEqual([OPCODES.close, 1001]);
      socket.send(payload.subarray(0, 2), "close");
      expect(await socket.connection.rest()).toBe("");
    }
  });
});
