/**
 * Heartbeats, and silence past two of them: then a client is gone, though its socket does not say so. Time is moved by
 * hand; the sockets are real.
 */

import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { clientFrame, OPCODES, type RawFrame, type RawWebSocket, rawWebSocket } from "../e2e/raw-websocket.ts";
import { type Served, serve } from "../e2e/serve.ts";

const HEARTBEAT_MS = 1000;
const SWEEP_MS = HEARTBEAT_MS / 10;
const V1 = { "Sec-WebSocket-Protocol": "tailwire.v1" };

async function started(): Promise<Served & { readonly time: ManualClock }> {
  const time = new ManualClock();
  const clock: Clock = {
    now: () => time.now(),
    after: (ms, run) => time.after(ms, run),
    random: () => time.random(),
    soon: (run) => systemClock.soon(run),
  };
  return { ...(await serve({ hub: { heartbeatMs: HEARTBEAT_MS, clock } })), time };
}

describe.each([
  ["raw", {}],
  ["tailwire.v1", V1],
])("%s: a client", (_, offered) => {
  it("that never pongs is pinged, and its connection ends after two heartbeats of silence", async () => {
    const { port, store, time } = await started();
    const socket = await rawWebSocket(port, "/channels/news", offered);
    time.advance(HEARTBEAT_MS + 2 * SWEEP_MS);
    for (let opcode = -1; opcode !== OPCODES.ping; ) opcode = (await socket.frame()).opcode;
    expect(store.followed).toBe(1);
    time.advance(HEARTBEAT_MS + 2 * SWEEP_MS);
    await toTheEnd(socket);
    await store.whenFollowed(0);
  });

  it("that never pongs is gone also where it is sent events all the time", async () => {
    const { port, store, time, hub } = await started();
    const socket = await rawWebSocket(port, "/channels/news", offered);
    for (let sweeps = 0; sweeps <= 22; sweeps += 1) {
      await hub.publish("news", "again");
      time.advance(SWEEP_MS);
    }
    expect((await toTheEnd(socket)).map(({ opcode }) => opcode)).toContain(OPCODES.ping);
    await store.whenFollowed(0);
  });

  it("that pongs stays", async () => {
    const { port, store, time, hub } = await started();
    const socket = await rawWebSocket(port, "/channels/news", offered);
    for (let heartbeats = 0; heartbeats < 6; heartbeats += 1) {
      time.advance(HEARTBEAT_MS);
      await answered(socket);
    }
    expect(store.followed).toBe(1);
    await hub.publish("news", "still here");
    for (let text = ""; !text.includes("still here"); ) text = (await socket.frame()).payload.toString();
  });

  it.each(["ping", "text"] as const)("that sends frames by itself stays: %s", async (opcode) => {
    const { port, store, time } = await started();
    const socket = await rawWebSocket(port, "/channels/news", offered);
    for (let halves = 0; halves < 8; halves += 1) {
      time.advance(HEARTBEAT_MS / 2);
      socket.send(opcode === "ping" ? "mine" : "{}", opcode);
      // The pong, the echo of what was published, or the $error.
      const answer = opcode === "ping" ? /^mine$/ : /^\{\}$|\$error/;
      while (!answer.test((await socket.frame()).payload.toString()));
    }
    expect(store.followed).toBe(1);
  });

  it("that sends one large frame slowly, inside which it can send no pong, stays", async () => {
    const { port, server, store, time, hub } = await started();
    const accepted = once(server, "connection");
    const socket = await rawWebSocket(port, "/channels/news", offered);
    const [peer] = (await accepted) as [Socket];
    const frame = clientFrame({ opcode: OPCODES.text, payload: Buffer.alloc(100_000, 0x20) });
    const ended = once(peer, "close");
    for (let sent = 0; sent < 8; sent += 1) {
      const came = Promise.race([once(peer, "data"), ended]);
      socket.connection.send(frame.subarray(sent, sent + 1));
      await came;
      time.advance(HEARTBEAT_MS / 2);
    }
    await hub.publish("news", "still here");
    for (let text = ""; !text.includes("still here"); ) text = (await socket.frame()).payload.toString();
    expect(store.followed).toBe(1);
  });
});

describe("a silent channel", () => {
  it("has heartbeats on tailwire.v1 as messages, for a browser's script sees no pings", async () => {
    const { port, server, time, hub } = await started();
    const accepted = once(server, "connection");
    const socket = await rawWebSocket(port, "/channels/news", V1);
    const [peer] = (await accepted) as [Socket];
    expect(await socket.message()).toMatchObject({ type: "$open", heartbeatMs: HEARTBEAT_MS });
    for (let heartbeats = 0; heartbeats < 4; heartbeats += 1) {
      time.advance(HEARTBEAT_MS + SWEEP_MS);
      await hub.publish("news", "the next");
      const messages: unknown[] = [];
      for (let text = ""; !text.includes("the next"); ) {
        const { opcode, payload } = await socket.frame();
        text = payload.toString();
        if (opcode === OPCODES.text) messages.push(JSON.parse(text));
        else await pong(peer, socket);
      }
      expect(messages).toMatchObject([{ type: "$heartbeat", time: expect.any(Number) }, { data: "the next" }]);
    }
  });

  it("has heartbeats on a stream as messages, and on raw SSE as comments", async () => {
    const { port, time } = await started();
    const stream = await rawConnection(port);
    await stream.request("GET", "/channels/news").head();
    await stream.message();
    const sse = await rawConnection(port);
    await sse.request("GET", "/channels/news?transport=sse").head();
    await sse.chunk();
    for (let heartbeats = 0; heartbeats < 3; heartbeats += 1) {
      time.advance(HEARTBEAT_MS + SWEEP_MS);
      expect(await stream.message()).toEqual({ type: "$heartbeat", time: expect.any(Number) });
      expect(await sse.chunk()).toMatch(/^:.*\n\n$/);
    }
  });

  it("keeps its HTTP streams, whose clients cannot answer", async () => {
    const { port, store, time } = await started();
    const client = await rawConnection(port);
    await client.request("GET", "/channels/news").head();
    time.advance(10 * HEARTBEAT_MS);
    for (let messages = 0; messages < 9; messages += 1) await client.message();
    expect(store.followed).toBe(1);
  });

  it("that has spoken a moment ago needs no heartbeat", async () => {
    const { port, time, hub } = await started();
    const client = await rawConnection(port);
    await client.request("GET", "/channels/news").head();
    await client.message();
    for (let halves = 0; halves < 6; halves += 1) {
      await hub.publish("news", halves);
      expect(await client.message()).toMatchObject({ data: halves });
      time.advance(HEARTBEAT_MS / 2);
    }
  });
});

/** Pongs, and waits until the server has read that; for a connection that is sent nothing meanwhile. */
async function pong(peer: Socket, socket: RawWebSocket): Promise<void> {
  const came = once(peer, "data");
  socket.send("", "pong");
  await came;
}

/** Pongs, and waits until the server has read that; returns the text frames that have come. */
async function answered(socket: RawWebSocket): Promise<readonly string[]> {
  socket.send("", "pong").send("has it come?", "ping");
  const texts: string[] = [];
  for (;;) {
    const { opcode, payload } = await socket.frame();
    if (opcode === OPCODES.pong && payload.toString() === "has it come?") return texts;
    if (opcode === OPCODES.text) texts.push(payload.toString());
  }
}

/** All the frames until the connection ends. */
async function toTheEnd(socket: RawWebSocket): Promise<readonly RawFrame[]> {
  const frames: RawFrame[] = [];
  try {
    for (;;) frames.push(await socket.frame());
  } catch (error) {
    expect(String(error)).toContain("the connection ended");
    return frames;
  }
}
