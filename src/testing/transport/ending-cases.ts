/** The end: of a client, which is freed at once, and of the hub, which says so. */

import assert from "node:assert/strict";
import { type CloseCode, COMES_BACK } from "../../wire/close-codes.ts";
import { eventually, turn } from "../waiting.ts";
import { type DriverEvent, type DriverMessage, TransportRefusal } from "./driver.ts";
import { type Client, numberOf, numbers, type Stage, type TransportCase } from "./stage.ts";

export const ENDING_CASES: readonly TransportCase[] = [
  {
    name: "a client that closes is freed at once",
    run: async (stage) => assertFreed(stage, await waiting(stage, {}), (client) => client.close()),
  },
  {
    name: "a client that vanishes is freed at once",
    async run(stage) {
      const gone = new AbortController();
      await assertFreed(stage, await waiting(stage, { signal: gone.signal }), () => gone.abort());
    },
  },
  {
    name: "many clients that come and go leave nothing behind, while events are published",
    async run(stage) {
      for (let round = 0; round < 10; round += 1) {
        const clients: Client[] = [];
        for (let n = 0; n < 5; n += 1) {
          const gone = new AbortController();
          const client = await stage.connect(`chat${n % 2}`, { from: "earliest", signal: gone.signal });
          clients.push(client);
          await stage.publish(`chat${n % 2}`, n);
          if (n % 2 === 0) gone.abort();
        }
        for (const client of clients) client.close();
        await stage.publish("chat0", round);
      }
      await assertNothingLeft(stage);
    },
  },
  {
    name: "a client that vanishes while it has stopped reading is freed",
    settings: { retention: { maxEvents: 100_000, maxBytes: 256 * 1024 * 1024 } },
    async run(stage) {
      for (const n of numbers(1, 4000)) await stage.publish("chat", `${n} `.padEnd(2000, "x"));
      const gone = new AbortController();
      const client = await stage.connect("chat", { from: "earliest", signal: gone.signal });
      client.connection.pause();
      for (let turns = 0; turns < 100; turns += 1) await turn();
      gone.abort();
      await assertNothingLeft(stage);
    },
  },
  {
    name: "others go on when one vanishes in the middle of a burst",
    async run(stage) {
      const gone = new AbortController();
      const goes = await stage.connect("chat", { signal: gone.signal });
      const stays = await stage.connect("chat");
      const received = stays.events(400);
      await stage.publish("chat", ...numbers(1, 200));
      await goes.event();
      gone.abort();
      await stage.publish("chat", ...numbers(201, 400));
      assert.deepEqual((await received).map(numberOf), numbers(1, 400));
    },
  },
  {
    name: "says $close when the hub closes, with a code to come back on, and ends",
    fits: ({ endless }) => endless,
    async run(stage) {
      const client = await stage.connect("chat");
      await stage.publish("chat", 1);
      await client.event();
      await stage.server.hub.close();
      const close = await client.system("$close");
      assert.ok(Object.hasOwn(COMES_BACK, close.code), `${close.code} is one of the protocol's`);
      assert.equal(COMES_BACK[close.code as CloseCode], true);
      assert.equal(typeof close.reconnectMs, "number");
      await client.ended();
    },
  },
  {
    name: "says $close after events in order, and after nothing that it did not send",
    fits: ({ endless, carries }) => endless && carries.includes("id"),
    async run(stage) {
      const client = await stage.connect("chat");
      const ids = ["", ...(await stage.publish("chat", ...numbers(1, 100)))];
      await stage.server.hub.close();
      // A store that answers later may not have told the hub of the last ones; they are there to come back for.
      let count = 0;
      const isClose = (message: DriverMessage) => message.type === "$close";
      for (
        let message = await client.next();
        message !== undefined && !isClose(message);
        message = await client.next()
      ) {
        if (message.type === "$open") continue;
        count += 1;
        assert.equal(numberOf(message as DriverEvent), count);
        assert.equal(client.cursor, ids[count]);
      }
      await client.ended();
    },
  },
  {
    name: "answers a request that waits when the hub closes",
    fits: ({ endless }) => !endless,
    async run(stage) {
      const client = await waiting(stage, {});
      const refused = assert.rejects(
        client.next(),
        (error) => error instanceof TransportRefusal && error.status === 503,
      );
      await turn();
      await stage.server.hub.close();
      await refused;
    },
  },
  {
    name: "tells those who are just connecting when the hub closes, each in some way",
    async run(stage) {
      const ends: Promise<void>[] = [];
      for (let n = 0; n < 12; n += 1) {
        ends.push(endOf(stage));
        await turn();
      }
      await stage.server.hub.close();
      await Promise.all(ends);
      await eventually("no channel is followed", () => stage.server.follows() === 0);
    },
  },
  {
    name: "frees everything when the hub closes, and refuses who comes after: 503 shutting_down",
    async run(stage) {
      const client = await waiting(stage, {});
      await stage.server.hub.close();
      await eventually("its channel is freed", () => stage.server.follows() === 0);
      client.close();
      const { status, code } = await stage.refusal("chat");
      assert.deepEqual({ status, code }, { status: 503, code: "shutting_down" });
    },
  },
];

/** Connects, and settles when that was refused, or what came of it has ended. */
async function endOf(stage: Stage): Promise<void> {
  try {
    const client = await stage.connect("chat");
    await client.ended();
  } catch (error) {
    assert.ok(error instanceof TransportRefusal, String(error));
    assert.equal(error.status, 503);
  }
}

/** A client that has been served, and whose request the server holds now, where it holds any. */
async function waiting(stage: Stage, options: { readonly signal?: AbortSignal }): Promise<Client> {
  const client = await stage.connect("chat", { from: "earliest", ...options });
  await stage.publish("chat", 1);
  assert.equal(numberOf(await client.event()), 1);
  if (!stage.driver.waits) return client;
  if (!stage.driver.endless) client.connection.next().catch(() => {}); // asks again, and waits
  await eventually("the server holds the request", () => stage.server.follows() === 1);
  return client;
}

async function assertFreed(stage: Stage, client: Client, leave: (client: Client) => void): Promise<void> {
  leave(client);
  await assertNothingLeft(stage);
  await stage.publish("chat", 2);
  await assertNothingLeft(stage);
}

async function assertNothingLeft({ server }: Stage): Promise<void> {
  await eventually("no channel is followed", () => server.follows() === 0);
  await eventually("no socket is open", () => server.connections() === 0);
}
