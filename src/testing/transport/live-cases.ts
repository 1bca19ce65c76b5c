/** Events as they are published. */

import assert from "node:assert/strict";
import { turn } from "../waiting.ts";
import { type Client, Ledger, numberOf, numbers, offsetOf, type Stage, type TransportCase } from "./stage.ts";

const MIB = 1024 * 1024;
const ROOMY = { maxEvents: 100_000, maxBytes: 256 * MIB };

export const LIVE_CASES: readonly TransportCase[] = [
  {
    name: "gives what is published after it began, in order",
    async run(stage) {
      await stage.publish("chat", "before");
      const client = await stage.connect("chat");
      await stage.publish("chat", ...numbers(1, 20));
      assert.deepEqual((await client.events(20)).map(numberOf), numbers(1, 20));
    },
  },
  {
    name: "gives each event with its id, as the publisher was told it",
    fits: ({ carries }) => carries.includes("id"),
    async run(stage) {
      const client = await stage.connect("chat");
      const ids = await stage.publish("chat", 1, 2, 3);
      assert.deepEqual(
        (await client.events(3)).map(({ id }) => id),
        ids,
      );
      assert.deepEqual(ids.map(offsetOf), [1, 2, 3]);
    },
  },
  {
    name: "gives each event's type, key, time and channel, as far as it carries them",
    async run(stage) {
      const { hub } = stage.server;
      const { carries } = stage.driver;
      const client = await stage.connect("chat");
      const began = hub.clock.now();
      await hub.publish("chat", 1, { type: "said", key: "k1" });
      await hub.publish("chat", 2);
      const [first, second] = await client.events(2);
      if (carries.includes("type")) assert.deepEqual([first?.type, second?.type], ["said", "message"]);
      if (carries.includes("key")) assert.deepEqual([first?.key, second?.key], ["k1", undefined]);
      if (carries.includes("channel")) assert.deepEqual([first?.channel, second?.channel], ["chat", "chat"]);
      if (!carries.includes("time")) return;
      const time = first?.time ?? 0;
      assert.ok(time >= began && time <= hub.clock.now(), `${time} is when it was published`);
    },
  },
  {
    name: "gives an event on a channel that has been quiet at once, without waiting for a window",
    settings: { flushMs: 3_600_000 },
    async run(stage) {
      const client = await stage.connect("chat");
      await stage.publish("chat", 1);
      assert.equal(numberOf(await client.event()), 1);
    },
  },
  {
    name: "gives what is published in a window when the window ends",
    settings: { flushMs: 3_600_000, heartbeatMs: 36_000_000 },
    fits: ({ endless }) => endless,
    async run(stage) {
      const client = await stage.connect("chat");
      await stage.publish("chat", 1);
      await client.event();
      await stage.publish("chat", 2, 3);
      for (let turns = 0; turns < 5; turns += 1) await turn();
      stage.server.advance(3_600_000);
      assert.deepEqual((await client.events(2)).map(numberOf), [2, 3]);
    },
  },
  {
    name: "gives nothing of other channels",
    async run(stage) {
      const client = await stage.connect("chat");
      await stage.publish("other", 100);
      await stage.publish("Chat", 101);
      await stage.publish("chat", 1);
      await stage.publish("chat2", 102);
      await stage.publish("chat", 2);
      assert.deepEqual((await client.events(2)).map(numberOf), [1, 2]);
    },
  },
  {
    name: "gives an event once that was published twice with one idempotency key",
    async run(stage) {
      const client = await stage.connect("chat");
      await stage.server.hub.publish("chat", 1, { idempotencyKey: "k" });
      await stage.server.hub.publish("chat", 1, { idempotencyKey: "k" });
      await stage.publish("chat", 2);
      assert.deepEqual((await client.events(2)).map(numberOf), [1, 2]);
    },
  },
  {
    name: "gives every one of many clients every event",
    async run(stage) {
      const clients: Client[] = [];
      for (let n = 0; n < 30; n += 1) clients.push(await stage.connect("chat"));
      const received = clients.map((client) => client.events(50));
      await stage.publish("chat", ...numbers(1, 50));
      for (const events of await Promise.all(received)) assert.deepEqual(events.map(numberOf), numbers(1, 50));
    },
  },
  {
    name: "gives a burst of thousands of events whole and in order",
    settings: { retention: ROOMY },
    run: async (stage) => assertBurst(stage, 5000, "one after the other"),
  },
  {
    name: "gives thousands of events that are published at the same time whole and in order",
    settings: { retention: ROOMY },
    run: async (stage) => assertBurst(stage, 5000, "at once"),
  },
  {
    name: "gives one who keeps up every event of a burst that is longer than what is kept",
    settings: { retention: { maxEvents: 100 } },
    fits: ({ endless }) => endless,
    run: async (stage) => assertBurst(stage, 10_000, "one after the other"),
  },
];

async function assertBurst(stage: Stage, count: number, how: "at once" | "one after the other"): Promise<void> {
  const client = await stage.connect("chat");
  const texts = numbers(1, count).map((n) => `${n} ${"x".repeat(90)}`);
  const received = readAll(client, new Ledger(stage.driver), count);
  if (how === "at once") await Promise.all(texts.map((text) => stage.server.hub.publish("chat", text)));
  else await stage.publish("chat", ...texts);
  assert.equal((await received).lost, 0);
}

async function readAll(client: Client, ledger: Ledger, count: number): Promise<Ledger> {
  while (ledger.last < count) ledger.enter(await client.item());
  return ledger;
}
