/** A suite that lets a broken store pass is no suite: each of these is found, by the case that is named beside it. */

import { describe, expect, test } from "vitest";
import type { Purgeable, Read, Store } from "../../src/core/store.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { type MakeStore, ManualClock, type SuiteCase, storeSuite } from "../../src/testing/index.ts";

type FullStore = Store & Purgeable;
type Break = (store: FullStore) => Partial<FullStore>;

/** Changes what reads answer. */
function reading(change: (read: Read) => Read): Break {
  return (store) => ({ read: async (...query) => change(await store.read(...query)) });
}

const BROKEN: Readonly<Record<string, readonly [foundBy: string, breaks: Break]>> = {
  "counts one more lost than there are": [
    "a reader of what was trimmed",
    reading((read) =>
      read.gap?.reason === "trimmed" ? { ...read, gap: { ...read.gap, lost: (read.gap.lost ?? 0) + 1 } } : read,
    ),
  ],
  "says nothing of a gap": ["a reader of what was trimmed", reading((read) => ({ ...read, gap: undefined }))],
  "says nothing of another epoch": [
    "after a position of another epoch",
    reading((read) => (read.gap?.reason === "epoch" ? { ...read, gap: undefined } : read)),
  ],
  "gives a head that is one behind": [
    "what was appended can be read",
    reading((read) => ({
      ...read,
      head: { ...read.head, offset: Math.max(0, read.head.offset - 1) },
    })),
  ],
  "leaves out the last of many events": [
    "from earliest: all that is kept",
    reading((read) => (read.events.length > 3 ? { ...read, events: read.events.slice(0, -1) } : read)),
  ],
  "passes over the limit": [
    "a read brings at most maxEvents",
    (store) => ({
      read: (channel, from, limit) => store.read(channel, from, { ...limit, maxEvents: limit.maxEvents + 1 }),
    }),
  ],
  "brings nothing where an event is over the limit": [
    "a read brings at most maxBytes",
    (store) => ({
      read: async (channel, from, limit) => {
        const read = await store.read(channel, from, limit);
        return limit.maxBytes < 10 ? { ...read, events: [] } : read;
      },
    }),
  ],
  "normalises JSON": [
    "JSON comes back",
    (store) => ({
      append: (channel, input) => {
        const { data } = input;
        if (data.kind !== "json") return store.append(channel, input);
        return store.append(channel, { ...input, data: { kind: "json", text: JSON.stringify(JSON.parse(data.text)) } });
      },
    }),
  ],
  "keeps bytes as text": [
    "bytes come back",
    (store) => ({
      append: (channel, input) => {
        const { data } = input;
        if (data.kind !== "binary") return store.append(channel, input);
        return store.append(channel, { ...input, data: { kind: "text", text: Buffer.from(data.bytes).toString() } });
      },
    }),
  ],
  "forgets idempotency keys": [
    "the same idempotency key",
    (store) => ({
      append: (channel, input) => store.append(channel, { ...input, idempotencyKey: undefined }),
    }),
  ],
  "keeps one set of idempotency keys for all channels": [
    "another idempotency key, another channel",
    (store) => {
      const known = new Map<string | undefined, Awaited<ReturnType<Store["append"]>>>();
      return {
        append: async (channel, input) => {
          const before = known.get(input.idempotencyKey);
          if (before !== undefined && input.idempotencyKey !== undefined) return { ...before, duplicate: true };
          const appended = await store.append(channel, input);
          known.set(input.idempotencyKey, appended);
          return appended;
        },
      };
    },
  ],
  "lets appends overtake each other": [
    "appends of one channel that run",
    (store) => {
      let appends = 0;
      return {
        append: async (channel, input) => {
          appends += 1;
          if (appends % 5 === 0) await Promise.resolve();
          return store.append(channel, input);
        },
      };
    },
  ],
  "tells followers twice": [
    "a follower is told of every append",
    (store) => ({
      follow: (channel, listener) => {
        const unfollow = [store.follow(channel, listener), store.follow(channel, (event) => listener(event))];
        return () => {
          for (const each of unfollow) each();
        };
      },
    }),
  ],
  "goes on telling one that has unfollowed": [
    "one that unfollows is told no more",
    (store) => ({
      follow: (channel, listener) => {
        store.follow(channel, listener);
        return () => {};
      },
    }),
  ],
  "tells followers out of order": [
    "a follower is told of appends that run",
    (store) => ({
      follow: (channel, listener) =>
        store.follow(channel, (event) => {
          if (event.position.offset % 3 === 0) void Promise.resolve().then(() => listener(event));
          else listener(event);
        }),
    }),
  ],
  "follows only a moment later": [
    "between a read and a follower",
    (store) => ({
      follow: (channel, listener) => {
        let unfollow = () => {};
        queueMicrotask(() => {
          unfollow = store.follow(channel, listener);
        });
        return () => unfollow();
      },
    }),
  ],
  "takes channels for the same that differ in case": [
    "channels with awkward names",
    (store) => ({
      append: (channel, input) => store.append(channel.toLowerCase() as typeof channel, input),
      read: (channel, ...query) => store.read(channel.toLowerCase() as typeof channel, ...query),
    }),
  ],
  "goes on with the epoch after a purge": [
    "after a purge the next event",
    (store) => {
      let epoch: string | undefined;
      return {
        append: async (channel, input) => {
          const { position, duplicate } = await store.append(channel, input);
          epoch ??= position.epoch;
          return { position: { ...position, epoch }, duplicate };
        },
      };
    },
  ],
};

describe("the store suite", () => {
  test.each(Object.entries(BROKEN))("finds a store that %s", async (_, [foundBy, breaks]) => {
    await expect(
      caseOf(
        makeBroken(() => ({})),
        foundBy,
      ).run(),
    ).resolves.toBeUndefined();
    await expect(caseOf(makeBroken(breaks), foundBy).run()).rejects.toThrow();
  });

  test("leaves out the cases that need what a store does not have", () => {
    const make: MakeStore = () => ({ store: memoryStore(), close() {} });
    const all = storeSuite(make, ["advance", "purge", "join"]);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const ability of ["advance", "purge", "join"] as const) {
      const some = storeSuite(
        make,
        (["advance", "purge", "join"] as const).filter((each) => each !== ability),
      );
      expect(some.length).toBeLessThan(all.length);
    }
  });
});

function makeBroken(breaks: Break): MakeStore {
  return ({ retention = {} }) => {
    const clock = new ManualClock();
    const memory = memoryStore({ retention, clock });
    const whole: FullStore = {
      append: (channel, input) => memory.append(channel, input),
      read: (channel, from, limit) => memory.read(channel, from, limit),
      follow: (channel, listener) => memory.follow(channel, listener),
      purge: (channel) => memory.purge(channel),
    };
    return { store: { ...whole, ...breaks(memory) }, advance: (ms) => clock.advance(ms), close() {} };
  };
}

function caseOf(make: MakeStore, name: string): SuiteCase {
  const found = storeSuite(make, ["advance", "purge"]).filter((each) => each.name.startsWith(name));
  if (found.length !== 1) throw new Error(`${found.length} cases begin with ${name}`);
  return found[0] as SuiteCase;
}
