/** Followers are told of every append, in order; and between a read and a follower nothing is missed. */

import assert from "node:assert/strict";
import { parseChannelName } from "../../core/channel-name.ts";
import type { ChannelEvent } from "../../core/event.ts";
import { eventually, turn } from "../waiting.ts";
import { after, counted, NOW, type StoreCase, type Subject, texts, toldOf } from "./subject.ts";

export const FOLLOW_CASES: readonly StoreCase[] = [
  {
    name: "a follower is told of every append of its channel, in order, as it can be read",
    async run(subject) {
      const followed = await subject.follow("chat");
      const start = (await subject.read("chat", NOW)).head;
      await subject.appendMany("chat", 50);
      await toldOf(followed, 50);
      assert.deepEqual(
        followed.events.map(comparable),
        (await subject.read("chat", after(start))).events.map(comparable),
      );
      assert.deepEqual(texts(followed.events), counted(1, 50));
    },
  },
  {
    name: "a follower is told of appends that run at the same time once each, in the order of their offsets",
    async run(subject) {
      const followed = await subject.follow("chat");
      await Promise.all(counted(1, 200).map((text) => subject.append("chat", text)));
      await toldOf(followed, 200);
      await subject.append("chat", "201");
      await toldOf(followed, 201);
      assert.deepEqual(texts(followed.events), counted(1, 201));
    },
  },
  {
    name: "a follower is told of no other channel, and of nothing from before",
    async run(subject) {
      await subject.appendMany("a", 3);
      const a = await subject.follow("a");
      const b = await subject.follow("b");
      await Promise.all(counted(4, 20).flatMap((text) => [subject.append("a", text), subject.append("c", text)]));
      await subject.append("b", "only");
      await toldOf(a, 17);
      await toldOf(b, 1);
      assert.deepEqual(texts(a.events), counted(4, 20));
      assert.deepEqual(texts(b.events), ["only"]);
    },
  },
  {
    name: "a follower of an awkward name is told of that one",
    async run(subject) {
      for (const name of ["__proto__", "a:b", "a", "A", "a.b"]) {
        const followed = await subject.follow(name);
        await subject.append(name, `of ${name}`);
        await toldOf(followed, 1);
        assert.deepEqual(texts(followed.events), [`of ${name}`]);
      }
    },
  },
  {
    name: "several followers of one channel are each told of all",
    async run(subject) {
      const followers = [await subject.follow("chat"), await subject.follow("chat"), await subject.follow("chat")];
      await subject.appendMany("chat", 10);
      for (const followed of followers) {
        await toldOf(followed, 10);
        assert.deepEqual(texts(followed.events), counted(1, 10));
      }
    },
  },
  {
    name: "one that unfollows is told no more, from that moment on, and the others are",
    async run(subject) {
      const goes = await subject.follow("chat");
      const stays = await subject.follow("chat");
      await subject.appendMany("chat", 5);
      await toldOf(goes, 5);
      const under = [subject.append("chat", "6"), subject.append("chat", "7")];
      goes.unfollow();
      const told = goes.events.length;
      await Promise.all(under);
      await subject.append("chat", "8");
      await toldOf(stays, 8);
      await turn();
      assert.equal(goes.events.length, told);
      assert.deepEqual(texts(stays.events), counted(1, 8));
    },
  },
  {
    name: "to unfollow twice is to unfollow once",
    async run(subject) {
      const first = await subject.follow("chat");
      first.unfollow();
      const second = await subject.follow("chat");
      first.unfollow();
      await subject.append("chat", "x");
      await toldOf(second, 1);
      assert.deepEqual([texts(first.events), texts(second.events)], [[], ["x"]]);
    },
  },
  {
    name: "the same listener can follow twice, and each is ended on its own",
    async run(subject) {
      let told = 0;
      const listener = () => {
        told += 1;
      };
      const name = parseChannelName("chat");
      const first = subject.store.follow(name, listener);
      const second = subject.store.follow(name, listener);
      first();
      const other = await subject.follow("chat");
      await subject.append("chat", "x");
      await toldOf(other, 1);
      await eventually("the one that still follows is told", () => told === 1);
      second();
      await subject.append("chat", "y");
      await toldOf(other, 2);
      assert.equal(told, 1);
    },
  },
  {
    name: "a follower may unfollow, and others may follow, while it is being told",
    async run(subject) {
      const name = parseChannelName("chat");
      const once: string[] = [];
      let late: string[] | undefined;
      const unfollow = subject.store.follow(name, (event) => {
        once.push(...texts([event]));
        unfollow();
        const later: string[] = [];
        late = later;
        subject.store.follow(name, (next) => void later.push(...texts([next])));
      });
      const other = await subject.follow("chat");
      await subject.append("chat", "1");
      await toldOf(other, 1);
      await subject.read("chat", NOW);
      await subject.append("chat", "2");
      await toldOf(other, 2);
      assert.deepEqual(once, ["1"]);
      assert.deepEqual(texts(other.events), ["1", "2"]);
      await eventually("the late one is told of what came after", () => late?.includes("2") === true);
    },
  },
  {
    name: "one that unfollowed everything can follow again, and misses nothing after that",
    async run(subject) {
      (await subject.follow("chat")).unfollow();
      await subject.append("chat", "1");
      const again = await subject.follow("chat");
      await subject.append("chat", "2");
      await toldOf(again, 1);
      assert.deepEqual(texts(again.events), ["2"]);
    },
  },
  {
    name: "between a read and a follower that began before it nothing is missed, while appends go on",
    async run(subject) {
      for (let round = 1; round <= 20; round += 1) await assertHandOver(subject, `chat${round}`, round);
    },
  },
];

/** Follow, then read: each event is in the log that was read, or the follower is told of it. */
async function assertHandOver(subject: Subject, channel: string, before: number): Promise<void> {
  const appends = counted(1, before).map((text) => subject.append(channel, text));
  const followed = subject.followNow(channel);
  const reading = subject.read(channel, NOW);
  appends.push(...counted(before + 1, 40).map((text) => subject.append(channel, text)));
  const { head } = await reading;
  appends.push(...counted(41, 50).map((text) => subject.append(channel, text)));
  await Promise.all(appends);
  await eventually("the follower is told of the newest", () => followed.events.at(-1)?.position.offset === 50);
  const told = followed.events.filter(({ position }) => position.offset > head.offset);
  assert.deepEqual(texts(told), counted(head.offset + 1, 50));
  const offsets = followed.events.map(({ position }) => position.offset);
  assert.deepEqual(
    offsets,
    [...new Set(offsets)].sort((a, b) => a - b),
    "in order, none twice",
  );
}

function comparable(event: ChannelEvent): unknown {
  return { ...event };
}
