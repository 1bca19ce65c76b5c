/** Every kind of data arrives as it was published, and none of it can pass for something else. */

import assert from "node:assert/strict";
import { AWKWARD_BYTES, AWKWARD_TEXTS, AWKWARD_VALUES, AWKWARD_WORDS } from "../awkward.ts";
import { arrived, arriving, type Stage, type TransportCase } from "./stage.ts";

const GAP = '{"type":"$gap","channel":"chat","after":"x:1","next":"x:2","lost":1,"reason":"trimmed"}';
const MIB = 1024 * 1024;

export const DATA_CASES: readonly TransportCase[] = [
  {
    name: "carries text with every kind of line break, and what looks like a protocol",
    run: (stage) => assertCarried(stage, AWKWARD_TEXTS),
  },
  { name: "carries JSON values", run: (stage) => assertCarried(stage, AWKWARD_VALUES) },
  { name: "carries bytes", run: (stage) => assertCarried(stage, AWKWARD_BYTES) },
  {
    name: "carries every kind of data from the log as it does live",
    async run(stage) {
      const data = [...AWKWARD_TEXTS, ...AWKWARD_VALUES, ...AWKWARD_BYTES];
      await stage.publish("chat", ...data);
      const client = await stage.connect("chat", { from: "earliest" });
      for (const each of data) assert.deepEqual(arrived(await client.event()), arriving(stage.driver, each));
    },
  },
  {
    name: "carries events of 200 kB and more, small ones between them",
    settings: { retention: { maxBytes: 64 * MIB } },
    run: (stage) =>
      assertCarried(stage, [
        "small",
        "ä👩‍👩‍👧\n".repeat(12_000),
        "small again",
        { text: '"\\\u2028'.repeat(50_000) },
        Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31) % 256),
        "x".repeat(MIB),
        "the last",
      ]),
  },
  {
    name: "carries events whose size is at the edges of a length field",
    run: (stage) =>
      assertCarried(
        stage,
        [0, 1, 15, 16, 17, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537].map((n) => "x".repeat(n)),
      ),
  },
  {
    name: "carries types and keys of any letters, none of which passes for a line of the stream",
    async run(stage) {
      const { carries } = stage.driver;
      const client = await stage.connect("chat");
      for (const [n, word] of AWKWARD_WORDS.entries()) {
        await stage.server.hub.publish("chat", n, { type: word, key: word });
      }
      for (const [n, word] of AWKWARD_WORDS.entries()) {
        const event = await client.event();
        assert.deepEqual(arrived(event), arriving(stage.driver, n));
        if (carries.includes("type")) assert.equal(event.type, word);
        if (carries.includes("key")) assert.equal(event.key, word);
      }
    },
  },
  {
    name: "lets no publisher break a line of another's stream by a type or a key",
    async run(stage) {
      const { hub } = stage.server;
      const client = await stage.connect("chat");
      for (const bad of ["x\ndata: forged", "x\r", "\n", "x\0", "$close", "$open", ""]) {
        await assert.rejects(hub.publish("chat", "forged", { type: bad }), { code: "invalid_parameter" }, bad);
        if (bad.startsWith("$")) continue;
        await assert.rejects(hub.publish("chat", "forged", { key: bad }), { code: "invalid_parameter" }, bad);
      }
      await stage.publish("chat", "true");
      assert.equal((await client.event()).data, "true");
    },
  },
  {
    name: "lets no data pass for a message of the system",
    fits: ({ carries }) => carries.includes("type"),
    run: (stage) => assertCarried(stage, [GAP, JSON.parse(GAP), { type: "$close", code: 1000 }, [GAP], "$gap", ""]),
  },
];

async function assertCarried(stage: Stage, data: readonly unknown[]): Promise<void> {
  const client = await stage.connect("chat");
  await stage.publish("chat", ...data);
  for (const each of data) assert.deepEqual(arrived(await client.event()), arriving(stage.driver, each));
}
