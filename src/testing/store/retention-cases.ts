/** Retention: what goes, and that a reader who comes too late is told exactly what is gone. */

import assert from "node:assert/strict";
import type { Position } from "../../core/position.ts";
import { eventually } from "../waiting.ts";
import { after, EARLIEST, last, NOW, type StoreCase, type Subject, texts } from "./subject.ts";

const HOUR = 3_600_000;

export const RETENTION_CASES: readonly StoreCase[] = [
  {
    name: "no more than maxEvents are kept, the newest of them",
    settings: { retention: { maxEvents: 10 } },
    async run(subject) {
      await subject.appendMany("chat", 50);
      await keptAtMost(subject, 10);
      assert.deepEqual(texts((await subject.read("chat", EARLIEST)).events).at(-1), "50");
    },
  },
  {
    name: "no more than maxBytes are kept, the newest of them",
    settings: { retention: { maxBytes: 20_000 } },
    async run(subject) {
      await subject.appendMany("chat", 50, (n) => `${n} `.padEnd(1000, "x"));
      await keptAtMost(subject, 20);
      const { events } = await subject.read("chat", EARLIEST);
      assert.ok(events.length >= 5, `only ${events.length} events of 1000 are kept in 20000 bytes`);
      assert.ok(texts(events).at(-1)?.startsWith("50 "));
    },
  },
  {
    name: "an event that alone is over maxBytes is kept while it is the newest",
    settings: { retention: { maxBytes: 1000 } },
    async run(subject) {
      await subject.appendMany("chat", 3);
      await subject.append("chat", "x".repeat(50_000));
      await keptAtMost(subject, 1);
      assert.deepEqual(texts((await subject.read("chat", EARLIEST)).events), ["x".repeat(50_000)]);
    },
  },
  {
    name: "nothing that is within all three limits goes",
    settings: { retention: { maxEvents: 100, maxBytes: 1024 * 1024, maxAgeMs: HOUR } },
    async run(subject) {
      await subject.appendMany("chat", 100);
      const { start, events } = await subject.read("chat", EARLIEST);
      assert.deepEqual([start.offset, events.length], [0, 100]);
    },
  },
  {
    name: "a reader of what was trimmed is told how many are gone, and gets what is left",
    settings: { retention: { maxEvents: 10 } },
    async run(subject) {
      const positions = await subject.appendMany("chat", 40);
      await keptAtMost(subject, 10);
      for (const position of [{ ...first(positions), offset: 0 }, ...positions])
        await assertTruth(subject, position, 40);
    },
  },
  {
    name: "with a limit, what is left comes from the gap's next",
    settings: { retention: { maxEvents: 10 } },
    async run(subject) {
      const positions = await subject.appendMany("chat", 30);
      await keptAtMost(subject, 10);
      const { gap, events } = await subject.read("chat", after(first(positions)), { maxEvents: 2 });
      const next = gap?.next.offset ?? 0;
      assert.deepEqual(
        events.map(({ position }) => position.offset),
        [next + 1, next + 2],
      );
    },
  },
  {
    name: "earliest and the last N begin with what is kept, and have no gap",
    settings: { retention: { maxEvents: 10 } },
    async run(subject) {
      await subject.appendMany("chat", 30);
      await keptAtMost(subject, 10);
      for (const from of [EARLIEST, last(25)]) {
        const { start, gap, events } = await subject.read("chat", from);
        assert.equal(gap, undefined);
        assert.equal(start.offset, 30 - events.length);
      }
    },
  },
  {
    name: "each channel keeps its own",
    settings: { retention: { maxEvents: 10 } },
    async run(subject) {
      await subject.appendMany("quiet", 5);
      await subject.appendMany("chat", 50);
      await keptAtMost(subject, 10);
      assert.equal((await subject.read("quiet", EARLIEST)).events.length, 5);
    },
  },
  {
    name: "followers are told of every event, however little is kept",
    settings: { retention: { maxEvents: 1 } },
    async run(subject) {
      const followed = await subject.follow("chat");
      await Promise.all(Array.from({ length: 100 }, (_, index) => subject.append("chat", String(index))));
      await eventually("all were told", () => followed.events.length === 100);
    },
  },
  {
    name: "events go when they are older than maxAgeMs, the younger stay",
    needs: ["advance"],
    settings: { retention: { maxAgeMs: HOUR } },
    async run(subject) {
      const old = await subject.appendMany("chat", 5);
      await subject.advance(HOUR / 2);
      await subject.appendMany("chat", 3);
      assert.equal((await subject.read("chat", EARLIEST)).events.length, 8);
      await subject.advance(HOUR / 2 + 20_000);
      await keptAtMost(subject, 3);
      assert.equal((await subject.read("chat", EARLIEST)).events.length, 3);
      await assertTruth(subject, first(old), 8);
    },
  },
  {
    name: "a log whose events are all too old goes on with its epoch and its offsets",
    needs: ["advance"],
    settings: { retention: { maxAgeMs: HOUR } },
    async run(subject) {
      const positions = await subject.appendMany("chat", 5);
      const head = positions.at(-1);
      for (let hour = 0; hour < 3; hour += 1) await subject.advance(HOUR);
      await keptAtMost(subject, 0);
      for (const from of [NOW, EARLIEST, last(3)]) {
        assert.deepEqual(await subject.read("chat", from), { start: head, gap: undefined, events: [], head });
      }
      await assertTruth(subject, first(positions), 5);
      const { position } = await subject.append("chat", "6");
      assert.deepEqual(position, { ...head, offset: 6 });
      await assertTruth(subject, first(positions), 6);
      const atHead = await subject.read("chat", after({ ...position, offset: 5 }));
      assert.deepEqual([atHead.gap, texts(atHead.events)], [undefined, ["6"]]);
    },
  },
  {
    name: "a follower of a log whose events are all too old is told of the next one",
    needs: ["advance"],
    settings: { retention: { maxAgeMs: HOUR } },
    async run(subject) {
      await subject.append("chat", "1");
      const followed = await subject.follow("chat");
      for (let hour = 0; hour < 3; hour += 1) await subject.advance(HOUR);
      const { position } = await subject.append("chat", "2");
      await eventually("the next one was told", () => followed.events.length === 1);
      assert.deepEqual(followed.events[0]?.position, position);
      assert.equal(position.offset, 2);
    },
  },
];

/** A store may trim in the background. */
async function keptAtMost(subject: Subject, count: number): Promise<void> {
  await eventually(`at most ${count} events are kept`, async () => {
    const { events } = await subject.read("chat", EARLIEST);
    return events.length <= count;
  });
}

/** What is gone and what comes are together all that followed the position. */
async function assertTruth(subject: Subject, position: Position, newest: number): Promise<void> {
  const oldest = (await subject.read("chat", EARLIEST)).start;
  const { gap, events } = await subject.read("chat", after(position));
  assert.equal((gap?.lost ?? 0) + events.length, newest - position.offset);
  if (position.offset >= oldest.offset) assert.equal(gap, undefined);
  else assert.deepEqual(gap?.next, oldest);
}

function first(positions: readonly Position[]): Position {
  const [position] = positions;
  assert.ok(position);
  return position;
}
