/** What is gone is said, exactly, before what comes after it. */

import assert from "node:assert/strict";
import { Ledger, numberOf, numbers, offsetOf, type TransportCase } from "./stage.ts";

const FEW = { retention: { maxEvents: 5 } };

export const GAP_CASES: readonly TransportCase[] = [
  {
    name: "says $gap before the first event after what was trimmed, with how many are lost",
    settings: FEW,
    async run(stage) {
      const [first = ""] = await stage.publish("chat", ...numbers(1, 30));
      const client = await stage.connect("chat", { from: first });
      const gap = await client.gap();
      assert.deepEqual(
        { channel: gap.channel, after: gap.after, reason: gap.reason },
        { channel: "chat", after: first, reason: "trimmed" },
      );
      assert.equal(gap.lost, offsetOf(gap.next) - 1);
      const rest = numbers(offsetOf(gap.next) + 1, 30);
      assert.ok(rest.length <= 5);
      assert.deepEqual((await client.events(rest.length)).map(numberOf), rest);
    },
  },
  {
    name: "says $gap exactly where events are lost: each reader is told the truth for its own position",
    settings: FEW,
    async run(stage) {
      const ids = await stage.publish("chat", ...numbers(1, 12));
      for (const [index, id] of ids.entries()) {
        const client = await stage.connect("chat", { lastEventId: id });
        const ledger = new Ledger(stage.driver, index + 1);
        while (ledger.last < 12) ledger.enter(await client.item());
        assert.equal(ledger.received + ledger.lost, 12 - (index + 1));
        client.close();
      }
    },
  },
  {
    name: "comes back from a gap without being told of it again",
    settings: FEW,
    fits: ({ carries }) => carries.includes("id"),
    async run(stage) {
      const [first = ""] = await stage.publish("chat", ...numbers(1, 30));
      const client = await stage.connect("chat", { from: first });
      const gap = await client.gap();
      const again = await stage.connect("chat", { lastEventId: client.cursor });
      assert.equal(numberOf(await again.event()), offsetOf(gap.next) + 1);
    },
  },
  {
    name: "earliest and -N begin with what is kept, without $gap",
    settings: FEW,
    async run(stage) {
      await stage.publish("chat", ...numbers(1, 30));
      for (const from of ["earliest", "-3", "-100"]) {
        const client = await stage.connect("chat", { from });
        assert.equal((await client.item()).type, "message");
        client.close();
      }
    },
  },
  {
    name: "says $gap with another epoch to one who comes back after a purge",
    async run(stage) {
      const { hub } = stage.server;
      const [, second = ""] = await stage.publish("chat", 1, 2, 3);
      await hub.purge("chat");
      const [id = ""] = await stage.publish("chat", 11);
      const client = await stage.connect("chat", { from: second });
      const next = id.replace(/:1$/, ":0");
      const gap = { type: "$gap", channel: "chat", after: second, next, lost: null, reason: "epoch" };
      assert.deepEqual(await client.gap(), gap);
      assert.equal(numberOf(await client.event()), 11);
    },
  },
  {
    name: "says $gap with another epoch to one who comes back before the first event after a purge",
    async run(stage) {
      const { hub } = stage.server;
      const [, second = ""] = await stage.publish("chat", 1, 2, 3);
      await hub.purge("chat");
      const client = await stage.connect("chat", { from: second });
      const gap = await client.gap();
      assert.deepEqual([gap.after, gap.next, gap.lost, gap.reason], [second, await hub.cursor("chat"), null, "epoch"]);
      await stage.publish("chat", 11);
      assert.equal(numberOf(await client.event()), 11);
    },
  },
  {
    name: "says $gap with another epoch to one who is live while the channel is purged",
    async run(stage) {
      const client = await stage.connect("chat");
      const [, second] = await stage.publish("chat", 1, 2);
      assert.deepEqual((await client.events(2)).map(numberOf), [1, 2]);
      await stage.server.hub.purge("chat");
      const [id = ""] = await stage.publish("chat", 11, 12);
      const gap = await client.gap();
      assert.deepEqual([gap.after, gap.next, gap.lost, gap.reason], [second, id.replace(/:1$/, ":0"), null, "epoch"]);
      assert.deepEqual((await client.events(2)).map(numberOf), [11, 12]);
    },
  },
  {
    name: "gives one who begins beside a live one after a purge all that follows",
    fits: ({ endless }) => endless,
    async run(stage) {
      const live = await stage.connect("chat");
      await stage.publish("chat", 1, 2);
      await live.events(2);
      await stage.server.hub.purge("chat");
      const late = await stage.connect("chat");
      await stage.publish("chat", 11, 12);
      assert.deepEqual((await late.events(2)).map(numberOf), [11, 12]);
      await live.gap();
      assert.deepEqual((await live.events(2)).map(numberOf), [11, 12]);
    },
  },
  {
    name: "a cursor from another life of the server gets $gap, then all that is kept",
    async run(stage) {
      await stage.publish("chat", 1, 2);
      const client = await stage.connect("chat", { lastEventId: "oldlife:7" });
      const gap = await client.gap();
      assert.deepEqual([gap.after, offsetOf(gap.next), gap.lost, gap.reason], ["oldlife:7", 0, null, "epoch"]);
      assert.deepEqual((await client.events(2)).map(numberOf), [1, 2]);
    },
  },
];
