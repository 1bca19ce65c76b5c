/** Purge: the events go, and the next one begins a new epoch. */

import assert from "node:assert/strict";
import { after, counted, EARLIEST, NOW, type StoreCase, texts, toldOf } from "./subject.ts";

export const PURGE_CASES: readonly StoreCase[] = [
  {
    name: "to purge drops the events, and says whether there was anything to drop",
    needs: ["purge"],
    async run(subject) {
      assert.equal(await subject.purge("chat"), false);
      await subject.appendMany("chat", 5);
      assert.equal(await subject.purge("chat"), true);
      const { events, head } = await subject.read("chat", EARLIEST);
      assert.deepEqual([events.length, head.offset], [0, 0]);
      assert.equal(await subject.purge("chat"), false);
    },
  },
  {
    name: "after a purge the next event is the first of a new epoch",
    needs: ["purge"],
    async run(subject) {
      const old = (await subject.appendMany("chat", 5)).at(-1);
      await subject.purge("chat");
      const { head } = await subject.read("chat", NOW);
      const { position } = await subject.append("chat", "x");
      assert.equal(position.offset, 1);
      assert.notEqual(position.epoch, old?.epoch);
      assert.equal(position.epoch, head.epoch, "a position taken after the purge is of the new epoch already");
    },
  },
  {
    name: "a reader from before a purge is told of the other epoch, before and after the next event",
    needs: ["purge"],
    async run(subject) {
      const positions = await subject.appendMany("chat", 5);
      await subject.purge("chat");
      for (const expected of [[], ["x"], ["x", "y"]]) {
        for (const position of positions) {
          const { gap, events, head } = await subject.read("chat", after(position));
          const next = { ...head, offset: 0 };
          assert.deepEqual(gap, { channel: "chat", after: position, next, lost: null, reason: "epoch" });
          assert.deepEqual(texts(events), expected);
        }
        await subject.append("chat", expected.length === 0 ? "x" : "y");
      }
    },
  },
  {
    name: "each purge begins another epoch",
    needs: ["purge"],
    async run(subject) {
      const epochs = new Set<string>();
      for (let round = 0; round < 10; round += 1) {
        epochs.add((await subject.append("chat", "x")).position.epoch);
        await subject.purge("chat");
      }
      assert.equal(epochs.size, 10);
    },
  },
  {
    name: "a follower goes on through a purge",
    needs: ["purge"],
    async run(subject) {
      const followed = await subject.follow("chat");
      await subject.appendMany("chat", 3);
      await toldOf(followed, 3);
      await subject.purge("chat");
      await subject.appendMany("chat", 2);
      await toldOf(followed, 5);
      assert.deepEqual(texts(followed.events), [...counted(1, 3), ...counted(1, 2)]);
      const [, , third, fourth] = followed.events;
      assert.notEqual(third?.position.epoch, fourth?.position.epoch);
      assert.equal(fourth?.position.offset, 1);
    },
  },
  {
    name: "a purge leaves other channels alone",
    needs: ["purge"],
    async run(subject) {
      await subject.appendMany("chat", 3);
      const other = await subject.appendMany("other", 3);
      await subject.purge("chat");
      const { events, head } = await subject.read("other", EARLIEST);
      assert.deepEqual([texts(events), head], [counted(1, 3), other[2]]);
    },
  },
  {
    name: "the epochs of other channels outlive a purge, also of channels without events",
    needs: ["purge"],
    async run(subject) {
      const before = (await subject.read("empty", NOW)).head;
      await subject.append("chat", "x");
      await subject.purge("chat");
      assert.deepEqual((await subject.append("empty", "first")).position, { ...before, offset: 1 });
    },
  },
];
