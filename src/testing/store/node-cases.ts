/** Several nodes on the same logs: what one appends the others read and are told of. */

import assert from "node:assert/strict";
import { after, counted, EARLIEST, NOW, type StoreCase, texts, toldOf } from "./subject.ts";

export const NODE_CASES: readonly StoreCase[] = [
  {
    name: "what one node has appended another reads, at the same positions",
    needs: ["join"],
    async run(subject) {
      const other = await subject.join();
      const positions = await subject.appendMany("chat", 10);
      const { events, head } = await other.read("chat", EARLIEST);
      assert.deepEqual([texts(events), head], [counted(1, 10), positions[9]]);
      const middle = positions[4];
      assert.ok(middle);
      assert.deepEqual(texts((await other.read("chat", after(middle))).events), counted(6, 10));
    },
  },
  {
    name: "nodes agree on the position of a channel before its first event",
    needs: ["join"],
    async run(subject) {
      const other = await subject.join();
      const { head } = await other.read("chat", NOW);
      assert.deepEqual((await subject.append("chat", "x")).position, { ...head, offset: 1 });
    },
  },
  {
    name: "followers at every node are told of the appends of all, in one order",
    needs: ["join"],
    async run(subject) {
      const nodes = [subject, await subject.join(), await subject.join()];
      const followers = await Promise.all(nodes.map((node) => node.follow("chat")));
      await Promise.all(counted(1, 60).map((text, index) => (nodes[index % 3] ?? subject).append("chat", text)));
      const { events } = await subject.read("chat", EARLIEST);
      assert.equal(events.length, 60);
      for (const followed of followers) {
        await toldOf(followed, 60);
        assert.deepEqual(texts(followed.events), texts(events));
      }
    },
  },
  {
    name: "an idempotency key holds at every node",
    needs: ["join"],
    async run(subject) {
      const other = await subject.join();
      const first = await subject.append("chat", "once", { idempotencyKey: "k" });
      const second = await other.append("chat", "once", { idempotencyKey: "k" });
      assert.deepEqual(second, { position: first.position, duplicate: true });
    },
  },
  {
    name: "a purge at one node begins the new epoch at every node",
    needs: ["join", "purge"],
    async run(subject) {
      const other = await subject.join();
      const followed = await other.follow("chat");
      const old = (await subject.appendMany("chat", 3)).at(-1);
      await subject.purge("chat");
      const { position } = await other.append("chat", "x");
      assert.notEqual(position.epoch, old?.epoch);
      await toldOf(followed, 4);
      assert.deepEqual(followed.events[3]?.position, position);
    },
  },
];
