/** Where to begin, and coming back: nothing is missed, nothing comes twice. */

import assert from "node:assert/strict";
import { seededRandom } from "../random.ts";
import { turn } from "../waiting.ts";
import type { TransportDriver } from "./driver.ts";
import { Ledger, numberOf, numbers, type Stage, type TransportCase } from "./stage.ts";

const ROOMY = { maxEvents: 100_000, maxBytes: 256 * 1024 * 1024 };

export const RESUME_CASES: readonly TransportCase[] = [
  {
    name: "from=earliest begins with the oldest event, and stays live",
    async run(stage) {
      await stage.publish("chat", ...numbers(1, 5));
      await assertBegins(stage, { from: "earliest" }, numbers(1, 5));
    },
  },
  {
    name: "from=-N begins with the last N events, or with all that there are",
    async run(stage) {
      await stage.publish("chat", ...numbers(1, 5));
      await assertBegins(stage, { from: "-2" }, [4, 5]);
      await assertBegins(stage, { from: "-100" }, [...numbers(1, 5), 1000]);
    },
  },
  {
    name: "from=now begins with the next event, as leaving it out does",
    async run(stage) {
      await stage.publish("chat", 1);
      await assertBegins(stage, { from: "now" }, []);
    },
  },
  {
    name: "from=a cursor begins after it: that of an event, that of the hub, and that of an empty channel",
    async run(stage) {
      const empty = await stage.server.hub.cursor("chat");
      const [first] = await stage.publish("chat", ...numbers(1, 3));
      const now = await stage.server.hub.cursor("chat");
      await stage.publish("chat", 4);
      assert.ok(first);
      await assertBegins(stage, { from: first }, [2, 3, 4]);
      await assertBegins(stage, { from: now }, [4, 1000]);
      await assertBegins(stage, { from: empty }, [...numbers(1, 4), 1000, 1000]);
    },
  },
  {
    name: "Last-Event-ID wins over from",
    async run(stage) {
      const [, second] = await stage.publish("chat", ...numbers(1, 3));
      assert.ok(second);
      await assertBegins(stage, { from: "earliest", lastEventId: second }, [3]);
    },
  },
  {
    name: "comes back from any id, and gets exactly what follows",
    fits: carriesIds,
    async run(stage) {
      await stage.publish("chat", ...numbers(1, 12));
      const client = await stage.connect("chat", { from: "earliest" });
      for (const n of numbers(1, 12)) {
        await client.event();
        for (const options of [{ from: client.cursor }, { lastEventId: client.cursor }]) {
          const again = await stage.connect("chat", options);
          assert.deepEqual((await again.events(12 - n)).map(numberOf), numbers(n + 1, 12));
          again.close();
        }
      }
    },
  },
  {
    name: "cut before its first event, it comes back to where it began",
    fits: ({ endless, carries }) => endless && carries.includes("id"),
    async run(stage) {
      await stage.publish("chat", 1);
      const client = await stage.connect("chat");
      if (stage.driver.opens) await client.system("$open");
      const { cursor } = client;
      client.close();
      await stage.publish("chat", 2, 3);
      await assertBegins(stage, { lastEventId: cursor }, [2, 3]);
    },
  },
  {
    name: "passes from the log to live without a hole or a repeat, while events are published",
    settings: { retention: ROOMY },
    async run(stage) {
      const texts = numbers(1, 3000).map((n) => `${n} ${"x".repeat(90)}`);
      await stage.publish("chat", ...texts.slice(0, 1000));
      const publishing = publishSlowly(stage, texts.slice(1000));
      for (let round = 0; round < 5; round += 1) {
        const client = await stage.connect("chat", { from: "earliest" });
        const ledger = new Ledger(stage.driver);
        while (ledger.last < texts.length) ledger.enter(await client.item());
        assert.equal(ledger.lost, 0);
        client.close();
      }
      await publishing;
    },
  },
  {
    name: "cut again and again while events are published, it misses none and gets none twice",
    settings: { retention: ROOMY },
    fits: carriesIds,
    async run(stage) {
      const random = seededRandom(7);
      const total = 2000;
      const publishing = publishSlowly(stage, numbers(1, total));
      const ledger = new Ledger(stage.driver);
      for (let cursor = ""; ledger.last < total; ) {
        const gone = new AbortController();
        const lastEventId = cursor === "" ? {} : { lastEventId: cursor };
        const client = await stage.connect("chat", { from: "earliest", ...lastEventId, signal: gone.signal });
        const until = Math.min(total, ledger.last + Math.floor(random() * 100));
        while (ledger.last < until) ledger.enter(await client.item());
        cursor = client.cursor;
        if (random() < 0.5) client.close();
        else gone.abort();
      }
      assert.equal(ledger.lost, 0);
      await publishing;
    },
  },
  {
    name: "refuses a cursor that the log has not reached: 400 invalid_cursor",
    async run(stage) {
      const [id = ""] = await stage.publish("chat", 1);
      const { status, code } = await stage.refusal("chat", { from: id.replace(/:1$/, ":2") });
      assert.deepEqual({ status, code }, { status: 400, code: "invalid_cursor" });
    },
  },
  {
    name: "refuses a from that cannot be read: 400 invalid_parameter",
    async run(stage) {
      for (const from of ["yesterday", "-0", "-", "x:", ":1", "x:-1", "x:1.5", "x:99999999999999999999", "a=x:1"]) {
        const { status, code } = await stage.refusal("chat", { from });
        assert.deepEqual({ from, status, code }, { from, status: 400, code: "invalid_parameter" });
      }
    },
  },
  {
    name: "refuses a name that is none: 400 invalid_channel",
    async run(stage) {
      for (const name of ["$system", "a%20b", "", "x".repeat(129), "a,,b", "a,a"]) {
        const { status, code } = await stage.refusal(name);
        assert.deepEqual({ name, status, code }, { name, status: 400, code: "invalid_channel" });
      }
    },
  },
];

function carriesIds({ carries }: TransportDriver): boolean {
  return carries.includes("id");
}

/** It gets the expected, and then what is published next. */
async function assertBegins(
  stage: Stage,
  options: { readonly from?: string; readonly lastEventId?: string },
  expected: readonly number[],
): Promise<void> {
  const client = await stage.connect("chat", options);
  assert.deepEqual((await client.events(expected.length)).map(numberOf), expected);
  await stage.publish("chat", 1000);
  assert.equal(numberOf(await client.event()), 1000);
  client.close();
}

/** A few at a time, with a turn of the event loop between. */
async function publishSlowly(stage: Stage, data: readonly unknown[]): Promise<void> {
  const random = seededRandom(11);
  for (const each of data) {
    await stage.publish("chat", each);
    if (random() < 0.2) await turn();
  }
}
