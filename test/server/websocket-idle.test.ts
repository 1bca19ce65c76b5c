/** A WebSocket whose client says nothing but pongs, and what becomes of it when it says more. */

import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { isPongs } from "../../src/server/transport/websocket-frame.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { clientFrame, handshakeHeaders, OPCODES, rawWebSocket } from "../e2e/raw-websocket.ts";
import { dataOf, serve } from "../e2e/serve.ts";

const frameOf = (opcode: keyof typeof OPCODES, payload = "") =>
  clientFrame({ opcode: OPCODES[opcode], payload: Buffer.from(payload) });
const PONG = frameOf("pong");

describe("what a client says is passed over", () => {
  it.each([
    ["a pong", PONG],
    ["several pongs", Buffer.concat([PONG, frameOf("pong"), frameOf("pong")])],
  ])("where it is %s", (_, bytes) => {
    expect(isPongs(bytes)).toBe(true);
  });

  it.each([
    ["a pong with data", frameOf("pong", "123456")],
    ["a ping", frameOf("ping")],
    ["an empty text", frameOf("text")],
    ["a pong that is not masked", Buffer.from([PONG[0] as number, 0, PONG[0] as number, 0, PONG[0] as number, 0])],
    ["a pong that is not whole", PONG.subarray(0, 5)],
    ["a pong and a half", Buffer.concat([PONG, PONG.subarray(0, 3)])],
    ["a pong and a close", Buffer.concat([PONG, frameOf("close")])],
  ])("not where it is %s", (_, bytes) => {
    expect(isPongs(bytes)).toBe(false);
  });
});

/** A client, and the server's socket of it. */
async function opened() {
  const served = await serve();
  const accepted = once(served.server, "connection") as Promise<[Socket]>;
  const client = await rawWebSocket(served.port, "/channels/news");
  const [socket] = await accepted;
  return { ...served, client, socket };
}

/** Sends bytes that the server has read when this settles. */
async function say({ client, socket }: Awaited<ReturnType<typeof opened>>, bytes: Buffer) {
  const read = once(socket, "data");
  client.connection.send(bytes);
  await read;
}

const listeners = (socket: Socket) => socket.listeners("data").map(({ name }) => name);

describe("a socket", () => {
  it("is not that of ws while its client says only pongs, and has its events", async () => {
    const link = await opened();
    const before = listeners(link.socket);
    await say(link, PONG);
    await say(link, Buffer.concat([PONG, PONG]));
    expect(listeners(link.socket)).toEqual(before);
    await link.hub.publish("news", "live");
    expect((await link.client.dataFrame()).payload.toString()).toBe("live");
  });

  it("is that of ws once its client says more, and its handshake is not answered again", async () => {
    const link = await opened();
    const before = listeners(link.socket);
    await say(link, PONG);
    await say(link, frameOf("ping", "there?"));
    expect(listeners(link.socket)).not.toEqual(before);
    expect(await link.client.frame()).toMatchObject({ opcode: OPCODES.pong, payload: Buffer.from("there?") });
    await link.hub.publish("news", "live");
    expect((await link.client.dataFrame()).payload.toString()).toBe("live");
  });

  it("is read on from the byte at which that begins", async () => {
    const text = frameOf("text", "said");
    const bytes = Buffer.concat([PONG, text, PONG, text]);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const link = await opened();
      await say(link, bytes.subarray(0, cut));
      link.client.connection.send(bytes.subarray(cut));
      for (const _ of [1, 2]) expect((await link.client.dataFrame()).payload.toString()).toBe("said");
      expect(await dataOf(link.url, "news")).toEqual(["said", "said"]);
    }
  });

  it.each(["end", "reset"] as const)("of a client that has said nothing is closed with its %s", async (how) => {
    const { client, store } = await opened();
    client.connection[how]();
    await store.whenFollowed(0);
  });

  it("of a client that has said nothing is closed in order when the hub closes", async () => {
    const { client, hub } = await opened();
    await hub.close();
    expect(await client.closeCode()).toBe(1001);
    client.connection.send(clientFrame({ opcode: OPCODES.close, payload: Buffer.from([0x03, 0xe9]) }));
    expect(await client.connection.rest()).toBe("");
  });
});

it("a handshake that ws refuses is answered with 400, and nothing is held", async () => {
  const { port, store } = await serve();
  const client = await rawConnection(port);
  const headers = { ...handshakeHeaders(), "Sec-WebSocket-Protocol": "tailwire.v1, not a token" };
  expect((await client.request("GET", "/channels/news", headers).response()).status).toBe(400);
  expect(await client.rest()).toBe("");
  await store.whenFollowed(0);
});
