/** Appends: offsets, order, idempotency keys. */

import assert from "node:assert/strict";
import { formatPosition, parsePosition } from "../../core/position.ts";
import { AWKWARD_NAMES, AWKWARD_WORDS } from "../awkward.ts";
import { counted, EARLIEST, NOW, type StoreCase, texts, toldOf } from "./subject.ts";

/** How long an idempotency key holds, in milliseconds. */
const KEY_MS = 600_000;

export const APPEND_CASES: readonly StoreCase[] = [
  {
    name: "appends get the offsets 1, 2, 3 … of one epoch",
    async run(subject) {
      const positions = await subject.appendMany("chat", 20);
      assert.deepEqual(
        positions.map(({ offset }) => String(offset)),
        counted(1, 20),
      );
      assert.equal(new Set(positions.map(({ epoch }) => epoch)).size, 1);
    },
  },
  {
    name: "a position can be written and read as an id",
    async run(subject) {
      const { position } = await subject.append("chat", "x");
      assert.deepEqual(parsePosition(formatPosition(position)), position);
    },
  },
  {
    name: "an append answers where its event stands, and that it is no duplicate",
    async run(subject) {
      const appended = await subject.append("chat", "x");
      assert.equal(appended.duplicate, false);
      const { events } = await subject.read("chat", EARLIEST);
      assert.deepEqual(events[0]?.position, appended.position);
    },
  },
  {
    name: "what was appended can be read as soon as the append has been answered",
    async run(subject) {
      for (let n = 1; n <= 20; n += 1) {
        const { position } = await subject.append("chat", String(n));
        assert.deepEqual((await subject.read("chat", NOW)).head, position);
      }
    },
  },
  {
    name: "each channel counts for itself",
    async run(subject) {
      await subject.appendMany("a", 3);
      const { position } = await subject.append("b", "x");
      assert.equal(position.offset, 1);
      assert.equal((await subject.append("a", "4")).position.offset, 4);
    },
  },
  {
    name: "channels with awkward names are each one of their own",
    async run(subject) {
      for (const name of AWKWARD_NAMES) await subject.append(name, `of ${name}`);
      for (const name of AWKWARD_NAMES) {
        const { events } = await subject.read(name, EARLIEST);
        assert.deepEqual(texts(events), [`of ${name}`]);
      }
    },
  },
  {
    name: "appends of one channel that run at the same time keep the order of their calls",
    async run(subject) {
      const appends = counted(1, 200).map((text) => subject.append("chat", text));
      const offsets = (await Promise.all(appends)).map(({ position }) => String(position.offset));
      assert.deepEqual(offsets, counted(1, 200));
      assert.deepEqual(texts((await subject.read("chat", EARLIEST)).events), counted(1, 200));
    },
  },
  {
    name: "appends of many channels that run at the same time do not mix",
    async run(subject) {
      const names = ["a", "b", "c", "d", "e"];
      await Promise.all(counted(1, 50).flatMap((text) => names.map((name) => subject.append(name, text))));
      for (const name of names) {
        assert.deepEqual(texts((await subject.read(name, EARLIEST)).events), counted(1, 50));
      }
    },
  },
  {
    name: "the same idempotency key is one event, with the same position",
    async run(subject) {
      const followed = await subject.follow("chat");
      const first = await subject.append("chat", "once", { idempotencyKey: "k" });
      const second = await subject.append("chat", "once", { idempotencyKey: "k" });
      assert.deepEqual(second, { position: first.position, duplicate: true });
      await subject.append("chat", "next");
      await toldOf(followed, 2);
      assert.deepEqual(texts(followed.events), ["once", "next"]);
      assert.deepEqual(texts((await subject.read("chat", EARLIEST)).events), ["once", "next"]);
    },
  },
  {
    name: "appends with one idempotency key that run at the same time are one event",
    async run(subject) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => subject.append("chat", "once", { idempotencyKey: "k" })),
      );
      assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 1);
      assert.equal(new Set(answers.map(({ position }) => formatPosition(position))).size, 1);
      assert.deepEqual(texts((await subject.read("chat", EARLIEST)).events), ["once"]);
    },
  },
  {
    name: "another idempotency key, another channel, and no key are each another event",
    async run(subject) {
      await subject.append("a", "1", { idempotencyKey: "k" });
      await subject.append("a", "2", { idempotencyKey: "K" });
      await subject.append("a", "3");
      await subject.append("a", "4");
      const other = await subject.append("b", "1", { idempotencyKey: "k" });
      assert.equal(other.duplicate, false);
      assert.deepEqual(texts((await subject.read("a", EARLIEST)).events), counted(1, 4));
      assert.deepEqual(texts((await subject.read("b", EARLIEST)).events), ["1"]);
    },
  },
  {
    name: "awkward idempotency keys are each their own",
    async run(subject) {
      for (const idempotencyKey of AWKWARD_WORDS) {
        const { duplicate } = await subject.append("chat", "first", { idempotencyKey });
        assert.equal(duplicate, false, idempotencyKey);
      }
      for (const idempotencyKey of AWKWARD_WORDS) {
        const { duplicate } = await subject.append("chat", "again", { idempotencyKey });
        assert.equal(duplicate, true, idempotencyKey);
      }
      assert.equal((await subject.read("chat", NOW)).head.offset, AWKWARD_WORDS.length);
    },
  },
  {
    name: "an idempotency key holds when its event has been trimmed",
    settings: { retention: { maxEvents: 2 } },
    async run(subject) {
      const first = await subject.append("chat", "once", { idempotencyKey: "k" });
      await subject.appendMany("chat", 10);
      assert.deepEqual(await subject.append("chat", "once", { idempotencyKey: "k" }), { ...first, duplicate: true });
    },
  },
  {
    name: "an idempotency key holds for 10 minutes and no longer",
    needs: ["advance"],
    async run(subject) {
      const first = await subject.append("chat", "once", { idempotencyKey: "k" });
      await subject.advance(KEY_MS - 5000);
      assert.deepEqual(await subject.append("chat", "once", { idempotencyKey: "k" }), { ...first, duplicate: true });
      await subject.advance(20_000);
      const later = await subject.append("chat", "twice", { idempotencyKey: "k" });
      assert.equal(later.duplicate, false);
      assert.equal(later.position.offset, 2);
    },
  },
];
