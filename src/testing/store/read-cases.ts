/** Reads: where they begin, and how much they bring. */

import assert from "node:assert/strict";
import type { Position } from "../../core/position.ts";
import { after, counted, EARLIEST, last, NOW, type StoreCase, texts } from "./subject.ts";

export const READ_CASES: readonly StoreCase[] = [
  {
    name: "a channel that has had no event reads as empty, with offset 0, wherever one begins",
    async run(subject) {
      for (const from of [NOW, EARLIEST, last(5)]) {
        const { start, gap, events, head } = await subject.read("chat", from);
        assert.deepEqual({ gap, events }, { gap: undefined, events: [] });
        assert.equal(head.offset, 0);
        assert.deepEqual(start, head);
      }
    },
  },
  {
    name: "the position of a channel before its first event is followed by that event, without a gap",
    async run(subject) {
      const { head } = await subject.read("chat", NOW);
      await subject.append("chat", "first");
      const { gap, events } = await subject.read("chat", after(head));
      assert.equal(gap, undefined);
      assert.deepEqual(texts(events), ["first"]);
    },
  },
  {
    name: "from now: nothing, starting at the head",
    async run(subject) {
      const positions = await subject.appendMany("chat", 5);
      const read = await subject.read("chat", NOW);
      assert.deepEqual(read, { start: positions[4], gap: undefined, events: [], head: positions[4] });
    },
  },
  {
    name: "from earliest: all that is kept, in order",
    async run(subject) {
      const positions = await subject.appendMany("chat", 5);
      const { start, gap, events, head } = await subject.read("chat", EARLIEST);
      assert.deepEqual({ start, gap, head }, { start: { ...head, offset: 0 }, gap: undefined, head: positions[4] });
      assert.deepEqual(texts(events), counted(1, 5));
    },
  },
  {
    name: "from the last N: those, or all that there are",
    async run(subject) {
      const positions = await subject.appendMany("chat", 5);
      const read = await subject.read("chat", last(2));
      assert.deepEqual(read.start, positions[2]);
      assert.deepEqual(texts(read.events), ["4", "5"]);
      assert.deepEqual(texts((await subject.read("chat", last(5))).events), counted(1, 5));
      const more = await subject.read("chat", last(999_999_999));
      assert.deepEqual({ offset: more.start.offset, gap: more.gap }, { offset: 0, gap: undefined });
      assert.deepEqual(texts(more.events), counted(1, 5));
    },
  },
  {
    name: "after any position: what follows it, and nothing after the newest",
    async run(subject) {
      const positions = await subject.appendMany("chat", 10);
      const head = positions.at(-1);
      for (const [index, position] of positions.entries()) {
        const read = await subject.read("chat", after(position));
        assert.deepEqual(
          { start: read.start, gap: read.gap, head: read.head },
          { start: position, gap: undefined, head },
        );
        assert.deepEqual(texts(read.events), counted(index + 2, 10));
      }
    },
  },
  {
    name: "after a position that the log has not reached: no gap, no events, and the true head",
    async run(subject) {
      const head = (await subject.appendMany("chat", 3)).at(-1);
      assert.ok(head);
      for (const offset of [4, 5, 1000, Number.MAX_SAFE_INTEGER]) {
        const position: Position = { epoch: head.epoch, offset };
        const read = await subject.read("chat", after(position));
        assert.deepEqual(read, { start: position, gap: undefined, events: [], head });
      }
    },
  },
  {
    name: "after a position of another epoch: a gap, then all that is kept",
    async run(subject) {
      const head = (await subject.appendMany("chat", 3)).at(-1);
      for (const offset of [0, 2, 1000]) {
        const position = { epoch: "another", offset };
        const { gap, events, head: found } = await subject.read("chat", after(position));
        assert.deepEqual(gap, {
          channel: "chat",
          after: position,
          next: { ...found, offset: 0 },
          lost: null,
          reason: "epoch",
        });
        assert.deepEqual(texts(events), counted(1, 3));
        assert.deepEqual(found, head);
      }
    },
  },
  {
    name: "a read brings at most maxEvents, the oldest of them",
    async run(subject) {
      const positions = await subject.appendMany("chat", 10);
      for (const [from, first] of [
        [EARLIEST, 1],
        [last(6), 5],
        [after(positions[6] ?? fail()), 8],
      ] as const) {
        const { events, head } = await subject.read("chat", from, { maxEvents: 3 });
        assert.deepEqual(texts(events), counted(first, first + 2));
        assert.deepEqual(head, positions[9]);
      }
    },
  },
  {
    name: "with maxEvents 0 a read says where it stands, and brings nothing",
    async run(subject) {
      const positions = await subject.appendMany("chat", 3);
      const limit = { maxEvents: 0, maxBytes: 0 };
      const now = await subject.read("chat", NOW, limit);
      assert.deepEqual(now, { start: positions[2], gap: undefined, events: [], head: positions[2] });
      const earliest = await subject.read("chat", EARLIEST, limit);
      assert.deepEqual([earliest.start.offset, earliest.events.length], [0, 0]);
    },
  },
  {
    name: "a read brings at most maxBytes of data, but at least one event",
    async run(subject) {
      const positions = await subject.appendMany("chat", 10, (n) => `${n} `.padEnd(1000, "x"));
      const some = await subject.read("chat", EARLIEST, { maxBytes: 3500 });
      assert.ok(
        some.events.length >= 1 && some.events.length <= 3,
        `${some.events.length} events of 1000 in 3500 bytes`,
      );
      for (const maxBytes of [0, 1, 999]) {
        const one = await subject.read("chat", after(positions[4] ?? fail()), { maxBytes });
        assert.deepEqual(
          one.events.map(({ position }) => position),
          [positions[5]],
        );
      }
    },
  },
  {
    name: "reading on from the last event of each read gives every event once",
    async run(subject) {
      await subject.appendMany("chat", 100, (n) => String(n).padEnd((n * 37) % 200, " "));
      const found: string[] = [];
      let { start: position, head } = await subject.read("chat", EARLIEST, { maxEvents: 0 });
      while (position.offset < head.offset) {
        const read = await subject.read("chat", after(position), { maxEvents: 7, maxBytes: 500 });
        assert.ok(read.events.length > 0, "at least one event comes where there is one");
        found.push(...texts(read.events).map((text) => text.trim()));
        position = read.events.at(-1)?.position ?? position;
        head = read.head;
      }
      assert.deepEqual(found, counted(1, 100));
    },
  },
  {
    name: "reads that run at the same time each get their own answer",
    async run(subject) {
      const positions = await subject.appendMany("chat", 20);
      const reads = await Promise.all(positions.map((position) => subject.read("chat", after(position))));
      for (const [index, { events }] of reads.entries()) assert.deepEqual(texts(events), counted(index + 2, 20));
    },
  },
  {
    name: "reading changes nothing, also not of a channel that nobody has used",
    async run(subject) {
      await subject.appendMany("chat", 3);
      const before = await subject.read("chat", EARLIEST);
      await subject.read("other", EARLIEST);
      await subject.read("chat", last(1), { maxEvents: 1 });
      assert.deepEqual(await subject.read("chat", EARLIEST), before);
      assert.equal((await subject.append("other", "x")).position.offset, 1);
    },
  },
];

function fail(): never {
  throw new Error("the case appended fewer events than it reads");
}
