/** `$open` and `$heartbeat`, and what comes of silence. */

import assert from "node:assert/strict";
import { eventually, turn } from "../waiting.ts";
import { type Client, numberOf, type Stage, type TransportCase } from "./stage.ts";

const HEARTBEAT_MS = 10_000;
const HEARTBEAT = { heartbeatMs: HEARTBEAT_MS };

export const SILENCE_CASES: readonly TransportCase[] = [
  {
    name: "says $open first, with the cursor, the heartbeat's time and the transport's name",
    settings: HEARTBEAT,
    fits: ({ opens }) => opens,
    async run(stage) {
      const { hub } = stage.server;
      await stage.publish("chat", 1, 2);
      const client = await stage.connect("chat");
      const open = await client.next();
      assert.deepEqual(
        { ...open, time: 0 },
        {
          type: "$open",
          cursor: await hub.cursor("chat"),
          heartbeatMs: HEARTBEAT_MS,
          transport: stage.driver.transport,
          time: 0,
        },
      );
    },
  },
  {
    name: "says $open before events from the log, with the cursor that they follow",
    fits: ({ opens }) => opens,
    async run(stage) {
      const [first = ""] = await stage.publish("chat", 1, 2);
      const client = await stage.connect("chat", { from: first });
      const open = await client.next();
      assert.deepEqual(open, { ...open, type: "$open", cursor: first });
      assert.equal(numberOf(await client.event()), 2);
    },
  },
  {
    name: "says $heartbeat after each silence of its length",
    settings: HEARTBEAT,
    fits: ({ endless }) => endless,
    async run(stage) {
      const client = await stage.connect("chat");
      const heard = countHeartbeats(client);
      await silence(stage, 5.5);
      await stage.publish("chat", "the end");
      const count = await heard;
      assert.ok(count >= 4 && count <= 5, `${count} heartbeats in a silence of five`);
    },
  },
  {
    name: "says no $heartbeat while events come",
    settings: HEARTBEAT,
    // A ping, which asks whether the peer is there, comes also then.
    fits: ({ endless, opens }) => endless && opens,
    async run(stage) {
      const client = await stage.connect("chat");
      for (let n = 1; n <= 30; n += 1) {
        await stage.publish("chat", n);
        const event = await client.find("an event", isPlain, ({ type }) => type === "$open");
        assert.equal(numberOf(event), n);
        stage.server.advance(HEARTBEAT_MS / 4);
        for (let turns = 0; turns < 5; turns += 1) await turn();
      }
    },
  },
  {
    name: "lives through many heartbeats of silence, and gives the event that ends it",
    settings: HEARTBEAT,
    async run(stage) {
      const client = await stage.connect("chat");
      const next = client.event();
      await silence(stage, 10);
      await stage.publish("chat", 1);
      assert.equal(numberOf(await next), 1);
    },
  },
  {
    name: "the first client after a long time without any stays",
    settings: HEARTBEAT,
    async run(stage) {
      stage.server.advance(100 * HEARTBEAT_MS);
      const client = await stage.connect("chat");
      const next = client.event();
      await silence(stage, 0.5);
      await stage.publish("chat", 1);
      assert.equal(numberOf(await next), 1);
    },
  },
  {
    name: "a client that answers no ping for two heartbeats is ended and freed",
    settings: HEARTBEAT,
    fits: ({ pings }) => pings,
    async run(stage) {
      const client = await stage.connect("chat");
      await stage.publish("chat", 1);
      await client.event();
      client.connection.pause();
      assert.equal(stage.server.follows(), 1);
      await silence(stage, 3);
      await eventually("its channel is freed", () => stage.server.follows() === 0);
      await eventually("its socket is freed", () => stage.server.connections() === 0);
    },
  },
];

/** Time goes by in small steps, in which pings are answered. */
async function silence({ server }: Stage, heartbeats: number): Promise<void> {
  for (let step = 0; step < heartbeats * 10; step += 1) {
    server.advance(HEARTBEAT_MS / 10);
    for (let turns = 0; turns < 10; turns += 1) await turn();
  }
}

/** Up to the next event. */
async function countHeartbeats(client: Client): Promise<number> {
  for (let count = 0; ; ) {
    const message = await client.next();
    if (message === undefined || !message.type.startsWith("$")) return count;
    if (message.type === "$heartbeat") count += 1;
  }
}

function isPlain(message: { readonly type: string }): message is { readonly type: "message"; readonly data: unknown } {
  return message.type === "message";
}
