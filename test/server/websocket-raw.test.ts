/** A WebSocket without a subprotocol: data frames both ways. */

import { describe, expect, it } from "vitest";
import { clientFrame, OPCODES, rawWebSocket } from "../e2e/raw-websocket.ts";
import { logOf, serve } from "../e2e/serve.ts";

describe("a raw WebSocket", () => {
  it("publishes what the client sends, text and binary, to its channel", async () => {
    const { port, url } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    socket.send("hello ⇄").send(Buffer.from([0, 255, 10]), "binary");
    const text = await socket.dataFrame();
    expect([text.opcode, text.fin, text.rsv, text.masked, text.payload.toString()]).toEqual([
      OPCODES.text,
      true,
      0,
      false,
      "hello ⇄",
    ]);
    const binary = await socket.dataFrame();
    expect([binary.opcode, ...binary.payload]).toEqual([OPCODES.binary, 0, 255, 10]);
    expect(await logOf(url, "news")).toMatchObject([
      { type: "message", data: "hello ⇄" },
      { type: "message", data: "AP8K", encoding: "base64" },
    ]);
  });

  it("takes a message that comes in fragments, with a ping between them", async () => {
    const { port } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    const { connection } = socket;
    connection.send(clientFrame({ opcode: OPCODES.text, fin: false, payload: Buffer.from("hel") }));
    connection.send(clientFrame({ opcode: OPCODES.ping, payload: Buffer.from("?") }));
    connection.send(clientFrame({ opcode: OPCODES.continuation, fin: false, payload: Buffer.from("lo ") }));
    connection.send(clientFrame({ opcode: OPCODES.continuation, payload: Buffer.from("you") }));
    const pong = await socket.frame();
    expect([pong.opcode, pong.payload.toString()]).toEqual([OPCODES.pong, "?"]);
    expect((await socket.dataFrame()).payload.toString()).toBe("hello you");
  });

  it.each([125, 126, 127, 65_535, 65_536, 200_000])("carries %d bytes whole", async (size) => {
    const { port, hub } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    const text = `${"x".repeat(size - 1)}.`;
    socket.send(text);
    expect((await socket.dataFrame()).payload.toString()).toBe(text);
    await hub.publish("news", new TextEncoder().encode(text));
    const { opcode, payload } = await socket.dataFrame();
    expect([opcode, payload.toString() === text]).toEqual([OPCODES.binary, true]);
  });

  it("gives JSON as it was published, and nothing of its own before it", async () => {
    const { port, url } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    const body = '{"big":12345678901234567890}';
    await fetch(`${url}/channels/news`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    expect((await socket.dataFrame()).payload.toString()).toBe(body);
  });

  it("tells of a gap, the one message among the data", async () => {
    const { port, hub } = await serve();
    await hub.publish("news", "kept");
    const socket = await rawWebSocket(port, "/channels/news?from=other:3");
    expect(await socket.message()).toMatchObject({ type: "$gap", after: "other:3", lost: null, reason: "epoch" });
    expect((await socket.dataFrame()).payload.toString()).toBe("kept");
  });

  it("resumes from a cursor", async () => {
    const { port, hub } = await serve();
    const { id } = await hub.publish("news", "one");
    for (const text of ["two", "three"]) await hub.publish("news", text);
    const socket = await rawWebSocket(port, `/channels/news?from=${id}`);
    expect((await socket.dataFrame()).payload.toString()).toBe("two");
    expect((await socket.dataFrame()).payload.toString()).toBe("three");
    await hub.publish("news", "live");
    expect((await socket.dataFrame()).payload.toString()).toBe("live");
  });

  it("of several channels gives messages, a frame each, and takes none", async () => {
    const { port, hub, store } = await serve();
    const socket = await rawWebSocket(port, "/channels/a,b");
    expect(await socket.message()).toMatchObject({ type: "$open", cursor: expect.stringMatching(/^a=.*,b=/) });
    await hub.publish("b", 1);
    expect(await socket.message()).toMatchObject({ channel: "b", data: 1 });
    socket.send("for whom?");
    expect(await socket.message()).toMatchObject({ type: "$close", code: 1008, reconnectMs: null });
    expect(await socket.closeCode()).toBe(1008);
    await store.whenFollowed(0);
  });

  it("with format=envelope gives messages of its one channel", async () => {
    const { port, hub } = await serve();
    const socket = await rawWebSocket(port, "/channels/news?format=envelope");
    expect(await socket.message()).toMatchObject({ type: "$open" });
    const { id } = await hub.publish("news", "x", { type: "t" });
    expect(await socket.message()).toMatchObject({ id, type: "t", data: "x" });
  });

  it("is ended with 1009 by an event over maxEventBytes, which is not published", async () => {
    const { port, url, store } = await serve({ hub: { maxEventBytes: 1000 } });
    for (const opcode of ["text", "binary"] as const) {
      const socket = await rawWebSocket(port, "/channels/news");
      socket.send("x".repeat(1001), opcode);
      expect(await socket.closeCode()).toBe(1009);
      await store.whenFollowed(0);
    }
    expect(await logOf(url, "news")).toEqual([]);
  });
});
