/** Several channels on one connection, with one cursor over all of them. */

import assert from "node:assert/strict";
import { seededRandom } from "../random.ts";
import { turn } from "../waiting.ts";
import type { DriverEvent, TransportDriver } from "./driver.ts";
import { type Client, numberOf, numbers, type Stage, type TransportCase } from "./stage.ts";

export const SEVERAL_CASES: readonly TransportCase[] = [
  {
    name: "gives the events of several channels, each in its order, and names their channel",
    fits: carriesChannels,
    async run(stage) {
      const client = await stage.connect("a,b,c");
      for (const n of numbers(1, 30)) await stage.publish("abc"[n % 3] ?? "", n);
      const events = await client.events(30);
      for (const [index, name] of ["a", "b", "c"].entries()) {
        const expected = numbers(1, 30).filter((n) => n % 3 === index);
        assert.deepEqual(events.filter(({ channel }) => channel === name).map(numberOf), expected);
      }
    },
  },
  {
    name: "from=earliest and from=-N begin in each of several channels",
    fits: carriesChannels,
    async run(stage) {
      await stage.publish("a", ...numbers(1, 3));
      await stage.publish("b", ...numbers(11, 15));
      assert.deepEqual(await sorted(stage, "earliest", 8), [...numbers(1, 3), ...numbers(11, 15)]);
      assert.deepEqual(await sorted(stage, "-2", 4), [2, 3, 14, 15]);
    },
  },
  {
    name: "begins in each channel where a cursor over several says, and at now where it says nothing",
    fits: carriesChannels,
    async run(stage) {
      const [a1] = await stage.publish("a", 1, 2);
      await stage.publish("b", 11, 12);
      const client = await stage.connect("a,b", { from: `a=${a1}` });
      assert.equal(numberOf(await client.event()), 2);
      await stage.publish("b", 13);
      assert.equal(numberOf(await client.event()), 13);
      assert.deepEqual(await sorted(stage, await stage.server.hub.cursor(["a", "b"]), 0), []);
    },
  },
  {
    name: "comes back to each of several channels by one cursor, after every event",
    fits: carriesChannels,
    async run(stage) {
      for (const n of numbers(1, 12)) await stage.publish(n % 2 === 0 ? "a" : "b", n);
      const client = await stage.connect("a,b", { from: "earliest" });
      const seen = new Set<number>();
      while (seen.size < 12) {
        seen.add(numberOf(await client.event()));
        const again = await stage.connect("a,b", { lastEventId: client.cursor });
        const rest = (await again.events(12 - seen.size)).map(numberOf);
        assert.deepEqual(
          [...seen, ...rest].sort((x, y) => x - y),
          numbers(1, 12),
        );
        again.close();
      }
    },
  },
  {
    name: "cut again and again, several channels lose nothing and get nothing twice",
    settings: { retention: { maxEvents: 100_000 } },
    fits: carriesChannels,
    async run(stage) {
      const random = seededRandom(3);
      const names = ["a", "b", "c"];
      const each = 300;
      const publishing = publishAll(stage, names, each);
      const seen = new Map<string, number>(names.map((name) => [name, 0]));
      for (let cursor = "", total = 0; total < each * names.length; ) {
        const lastEventId = cursor === "" ? {} : { lastEventId: cursor };
        const client = await stage.connect(names.join(), { from: "earliest", ...lastEventId });
        const until = Math.min(each * names.length, total + Math.floor(random() * 60));
        for (; total < until; total += 1) assertFollows(seen, await client.event());
        cursor = client.cursor;
        client.close();
      }
      await publishing;
    },
  },
  {
    name: "carries the longest list of channels",
    fits: carriesChannels,
    async run(stage) {
      const names = numbers(1, 64).map((n) => `channel-${n}`);
      const client = await stage.connect(names.join(), { from: "earliest" });
      for (const [index, name] of names.entries()) await stage.publish(name, index);
      const found = (await client.events(64)).map(({ channel }) => channel ?? "");
      assert.deepEqual(found.sort(), [...names].sort());
      const { status, code } = await stage.refusal([...names, "one-more"].join());
      assert.deepEqual({ status, code }, { status: 400, code: "invalid_channel" });
    },
  },
];

function carriesChannels({ carries }: TransportDriver): boolean {
  return carries.includes("channel") && carries.includes("id");
}

async function sorted(stage: Stage, from: string, count: number): Promise<readonly number[]> {
  const client: Client = await stage.connect("a,b", { from });
  const found = (await client.events(count)).map(numberOf);
  client.close();
  return found.sort((x, y) => x - y);
}

async function publishAll(stage: Stage, names: readonly string[], each: number): Promise<void> {
  for (const n of numbers(1, each)) {
    for (const name of names) await stage.publish(name, n);
    if (n % 5 === 0) await turn();
  }
}

function assertFollows(seen: Map<string, number>, event: DriverEvent): void {
  const channel = event.channel ?? "";
  assert.equal(numberOf(event), (seen.get(channel) ?? Number.NaN) + 1, `the next of ${channel}`);
  seen.set(channel, numberOf(event));
}
