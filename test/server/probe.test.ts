/**
 * `probe=`: one heartbeat soon after `$open`, by which a client sees whether something holds back what is written until
 * the next write. Time is moved by hand; the sockets are real.
 */

import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { OPCODES, rawWebSocket } from "../e2e/raw-websocket.ts";
import { type Served, serve } from "../e2e/serve.ts";

const HEARTBEAT_MS = 100_000;

async function started(): Promise<Served & { readonly time: ManualClock }> {
  const time = new ManualClock();
  const clock: Clock = {
    now: () => time.now(),
    after: (ms, run) => time.after(ms, run),
    random: () => time.random(),
    soon: (run) => systemClock.soon(run),
  };
  const handler = { legacyTransports: true };
  return { ...(await serve({ hub: { heartbeatMs: HEARTBEAT_MS, clock }, handler })), time };
}

/** What comes, one after the other, and the way to leave. */
interface Link {
  next(): Promise<string>;
  leave(): void;
}

type Connect = (port: number, probe: string) => Promise<Link>;

const http =
  (query: string): Connect =>
  async (port, probe) => {
    const client = await rawConnection(port);
    await client.request("GET", `/channels/news?${query}${probe}`, { Host: "app.example" }).head();
    return { next: () => client.chunk(), leave: () => client.end() };
  };

const websocket =
  (query: string, headers: Readonly<Record<string, string>> = {}): Connect =>
  async (port, probe) => {
    const socket = await rawWebSocket(port, `/channels/news?${query}${probe}`, headers);
    const next = async () => {
      const { opcode, payload } = await socket.frame();
      return opcode === OPCODES.ping ? "a ping" : payload.toString();
    };
    return { next, leave: () => socket.connection.end() };
  };

const MESSAGE = /\{"type":"\$heartbeat","time":1790000000250\}/;

const LINKS: readonly (readonly [name: string, connect: Connect, heartbeat: RegExp, opens: boolean])[] = [
  ["stream", http("transport=stream"), MESSAGE, true],
  ["sse, raw", http("transport=sse"), /^: \n\n$/, true],
  ["sse, envelope", http("transport=sse&format=envelope"), MESSAGE, true],
  ["iframe", http("transport=iframe&origin=http://app.example"), MESSAGE, true],
  ["websocket, tailwire.v1", websocket("", { "Sec-WebSocket-Protocol": "tailwire.v1" }), MESSAGE, true],
  ["websocket, envelope", websocket("format=envelope"), MESSAGE, true],
  ["websocket, raw", websocket(""), /^a ping$/, false],
];

describe.each(LINKS)("%s", (_, connect, heartbeat, opens) => {
  it("says one heartbeat when it was asked to, whether or not something was written, and no other", async () => {
    const { port, hub, time } = await started();
    const link = await connect(port, "&probe=0.25");
    if (opens) expect(await link.next()).toContain("$open");
    await hub.publish("news", "written");
    expect(await link.next()).toContain("written");
    time.advance(249);
    await hub.publish("news", "too early");
    expect(await link.next()).toContain("too early");
    time.advance(1);
    expect(await link.next()).toMatch(heartbeat);
    time.advance(20_000);
    await hub.publish("news", "that was all");
    expect(await link.next()).toContain("that was all");
    await hub.close();
    expect(await link.next()).not.toContain("heartbeat");
  });

  it("has no timer for those who do not ask, and none for those who have left", async () => {
    const { port, store, time } = await started();
    const plain = await connect(port, "");
    await store.whenFollowed(1);
    const { timers } = time;
    const asking = await connect(port, "&probe=10");
    expect(time.timers).toBe(timers + 1);
    asking.leave();
    plain.leave();
    await store.whenFollowed(0);
    expect(time.timers).toBe(0);
  });

  it("frees its channel as ever, before the heartbeat and after it", async () => {
    const { port, store, time } = await started();
    for (const ms of [0, 100]) {
      const link = await connect(port, "&probe=0.1");
      await store.whenFollowed(1);
      time.advance(ms);
      link.leave();
      await store.whenFollowed(0);
    }
  });
});

describe("probe", () => {
  it("may be nothing at all, ten seconds, and thousandths between", async () => {
    const { port, time } = await started();
    for (const [probe, ms] of [
      ["0", 0],
      ["0.001", 1],
      ["10", 10_000],
      ["9.999", 9999],
    ] as const) {
      const link = await http("transport=sse")(port, `&probe=${probe}`);
      await link.next();
      time.advance(ms);
      expect(await link.next()).toBe(": \n\n");
    }
  });

  it.each(["", "x", "-1", "10.001", "11", "99", "1e1", ".5", "0.0001", "Infinity"])(
    "%j is 400 invalid_parameter",
    async (probe) => {
      const { port } = await started();
      const client = await rawConnection(port);
      const answer = await client.request("GET", `/channels/news?probe=${probe}`).response();
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter: "probe" });
    },
  );

  it.each(["wait=0", "wait=1", "transport=long-poll", "transport=poll", "callback=f"])(
    "is 400 where the answer ends: %s",
    async (query) => {
      const { port } = await started();
      const client = await rawConnection(port);
      const answer = await client.request("GET", `/channels/news?probe=1&${query}`).response();
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter: "probe" });
    },
  );

  it("is 400 in a WebSocket handshake too", async () => {
    const { port } = await started();
    const { head } = await rawWebSocket(port, "/channels/news?probe=11");
    expect(head.status).toBe(400);
  });
});
