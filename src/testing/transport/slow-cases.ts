/** A reader that stops reading: the server's memory stays bounded, and it gets everything or is told what not. */

import assert from "node:assert/strict";
import { seededRandom } from "../random.ts";
import { turn } from "../waiting.ts";
import { Ledger, numberOf, numbers, type Stage, type TransportCase } from "./stage.ts";

const MIB = 1024 * 1024;
const ROOMY = { maxEvents: 100_000, maxBytes: 256 * MIB };
const MAX_BUFFERED = 64 * 1024;
/** What may come on top: one flush of what publishers may leave pending, and one read from the log. */
const SLACK = 512 * 1024;

export const SLOW_CASES: readonly TransportCase[] = [
  {
    name: "a reader that stops and reads on gets everything that is kept, and the server held little of it",
    settings: { retention: ROOMY, maxBufferedBytes: MAX_BUFFERED },
    async run(stage) {
      const { lost } = await stopAndReadOn(stage, { events: 16_000, bytes: 1000 });
      assert.equal(lost, 0);
    },
  },
  {
    name: "a reader that stops and comes too late is told exactly what is gone",
    settings: { retention: { maxEvents: 100, maxBytes: 256 * MIB }, maxBufferedBytes: MAX_BUFFERED },
    async run(stage) {
      const { lost } = await stopAndReadOn(stage, { events: 16_000, bytes: 1000 });
      assert.ok(lost > 0, "more was published than the system's buffers and the log hold together");
    },
  },
  {
    name: "a reader that stops reads on whatever the limit of what is buffered, also the smallest",
    settings: { retention: ROOMY, maxBufferedBytes: 1, flushMs: 0 },
    async run(stage) {
      const { lost } = await stopAndReadOn(stage, { events: 2500, bytes: 6000 });
      assert.equal(lost, 0);
    },
  },
  {
    name: "a reader that stops while it catches up goes on to the end, and then is live",
    settings: { retention: ROOMY, maxBufferedBytes: MAX_BUFFERED },
    async run(stage) {
      const { hub } = stage.server;
      for (const n of numbers(1, 8000)) await hub.publish("chat", padded(n, 2000));
      const client = await stage.connect("chat", { from: "earliest" });
      client.connection.pause();
      for (let turns = 0; turns < 200; turns += 1) await turn();
      assertBounded(stage);
      client.connection.resume();
      const ledger = new Ledger(stage.driver);
      while (ledger.last < 8000) ledger.enter(await client.item());
      assert.equal(ledger.lost, 0);
      await stage.publish("chat", 8001);
      assert.equal(numberOf(await client.event()), 8001);
    },
  },
  {
    name: "a reader of several channels that stops is told of each exactly what is gone, and of none what is not",
    settings: { retention: { maxEvents: 200, maxBytes: 256 * MIB }, maxBufferedBytes: MAX_BUFFERED },
    fits: ({ carries }) => carries.includes("channel"),
    async run(stage) {
      const { hub } = stage.server;
      const [busy, quiet] = [new Ledger(stage.driver), new Ledger(stage.driver)];
      const client = await stage.connect("busy,quiet", { from: "earliest" });
      const enter = async () => {
        const item = await client.item();
        (item.channel === "busy" ? busy : quiet).enter(item);
      };
      await hub.publish("busy", padded(1, 1000));
      await enter();
      client.connection.pause();
      for (const n of numbers(2, 16_000)) {
        await hub.publish("busy", padded(n, 1000));
        if (n % 200 === 0) await hub.publish("quiet", n / 200);
        if (n % 4 === 0) await turn();
      }
      assertBounded(stage);
      client.connection.resume();
      while (busy.last < 16_000 || quiet.last < 80) await enter();
      assert.ok(busy.lost > 0);
      assert.deepEqual([quiet.received, quiet.lost], [80, 0]);
    },
  },
  {
    name: "a reader that has stopped holds nobody else up",
    settings: { retention: ROOMY, maxBufferedBytes: MAX_BUFFERED },
    fits: ({ endless }) => endless,
    async run(stage) {
      const slow = await stage.connect("chat");
      slow.connection.pause();
      const quick = await stage.connect("chat");
      const ledger = new Ledger(stage.driver);
      for (const n of numbers(1, 12_000)) {
        await stage.server.hub.publish("chat", padded(n, 1000));
        if (n % 1000 !== 0) continue;
        while (ledger.last < n) ledger.enter(await quick.item());
      }
      assert.equal(ledger.lost, 0);
    },
  },
];

async function stopAndReadOn(stage: Stage, { events, bytes }: { events: number; bytes: number }): Promise<Ledger> {
  const client = await stage.connect("chat");
  const ledger = new Ledger(stage.driver);
  await stage.publish("chat", 1);
  ledger.enter(await client.item());
  client.connection.pause();
  for (const n of numbers(2, events)) {
    await stage.server.hub.publish("chat", padded(n, bytes));
    if (n % 2 !== 0) continue;
    await turn();
    assertBounded(stage);
  }
  client.connection.resume();
  while (ledger.last < events) ledger.enter(await client.item());
  await stage.publish("chat", events + 1);
  ledger.enter(await client.item());
  return ledger;
}

function assertBounded({ server }: Stage): void {
  const most = MAX_BUFFERED + SLACK;
  assert.ok(server.unsentBytes() <= most, `${server.unsentBytes()} bytes wait for one client; at most ${most}`);
}

/** Begins with the number, and is about as long on a transport that compresses. */
function padded(n: number, bytes: number): string {
  const text = `${n} `;
  const from = (n * 7919) % (NOISE.length - bytes);
  return text + NOISE.slice(from, from + bytes - text.length);
}

const random = seededRandom(1);
/** Letters and signs that mean nothing to JSON. */
const NOISE = String.fromCharCode(...Array.from({ length: 64 * 1024 }, () => 0x23 + Math.floor(random() * 57)));
