/**
 * Whatever happens, what each client has seen, with its gaps, is exactly the log: random publishes, purges, cuts,
 * resumes over any transport, slow readers, and retention that trims past them.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChannelName } from "../../src/core/channel-name.ts";
import { type Position, parsePosition } from "../../src/core/position.ts";
import { createHub } from "../../src/create-hub.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { ModelClient, type Seen, TRANSPORTS, type Transport } from "./clients.ts";
import { slowStore } from "./slow-store.ts";

const NAMES = ["a" as ChannelName, "b" as ChannelName] as const;
const RETENTION = { maxEvents: 6, maxBytes: 1e6, maxAgeMs: 1000 };

type Step =
  | { readonly do: "publish"; readonly channel: 0 | 1; readonly count: number }
  | { readonly do: "purge"; readonly channel: 0 | 1 }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "connect"; readonly client: number; readonly transport: Transport; readonly capacity: number }
  | { readonly do: "cut" | "drain"; readonly client: number };

const channel = fc.constantFrom(0 as const, 1 as const);
const client = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("publish" as const), channel, count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("purge" as const), channel }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(0, 1, 1, 5, 5, 20, 2000) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("connect" as const),
      client,
      transport: fc.constantFrom(...TRANSPORTS),
      capacity: fc.constantFrom(1, 2, 1000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "drain" as const), client }) },
);

describe("the model", () => {
  test("with a store that answers at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => run(steps, seed, NONE_LATE)),
      {
        numRuns: 2000,
      },
    );
  });

  test("with a store that answers late", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => run(steps, seed, 0)),
      {
        numRuns: 4000,
      },
    );
  });

  test("with a store that answers late and loses notifications", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => run(steps, seed, 30)),
      {
        numRuns: 4000,
      },
    );
  });
});

/** In place of the share of lost notifications: the store answers at once. */
const NONE_LATE = -1;

/** Every event that was ever published, by its id. */
type Truth = Map<string, string>;

async function run(steps: readonly Step[], seed: number, losses: number): Promise<void> {
  const clock = new ManualClock({ seed });
  const memory = memoryStore({ retention: RETENTION, clock });
  const store = losses === NONE_LATE ? memory : slowStore(memory, clock, losses);
  const hub = createHub({ store, clock });
  const truth: Truth = new Map();
  for (const name of NAMES)
    memory.follow(name, ({ position, data }) =>
      truth.set(key(name, position), String((data as { text: string }).text)),
    );
  const clients = [[NAMES[0]], [NAMES[1]], NAMES, [NAMES[1], NAMES[0]]].map((names) => new ModelClient(hub, names));
  let published = 0;

  const publish = (name: ChannelName) => {
    published += 1;
    const input = {
      data: { kind: "text", text: String(published) },
      type: "message",
      key: undefined,
      idempotencyKey: undefined,
    } as const;
    void memory.append(name, input);
  };
  const perform = async (step: Step) => {
    switch (step.do) {
      case "publish":
        for (let count = 0; count < step.count; count += 1) publish(NAMES[step.channel]);
        return;
      case "purge":
        // Those who are live hear of a purge with the next event.
        void memory.purge(NAMES[step.channel]);
        publish(NAMES[step.channel]);
        return;
      case "advance":
        return clock.advanceAsync(step.ms);
      case "connect":
        return void clients[step.client]?.connect(step.transport, step.capacity);
      case "cut":
        return clients[step.client]?.cut();
      case "drain":
        return clients[step.client]?.drain();
    }
  };

  for (const step of steps) {
    await perform(step);
    await clock.settleAsync();
  }
  // In the end every reader reads on. Those whose last notification was lost hear of it when they come back.
  for (const each of clients) await drainAll(each, clock);
  if (losses > 0) await comeBack(clients, clock);
  const heads = new Map(
    NAMES.map((name) => [
      name,
      memory.read(name, { kind: "now" }, { maxEvents: 0, maxBytes: 0 }) as { head: Position },
    ]),
  );
  for (const each of clients) {
    if (each.cursor.size === 0) continue;
    for (const name of each.names) {
      check(
        each.seen.filter((seen) => seen.channel === name),
        name,
        truth,
      );
      if (each.connected) expect(parsePosition(each.cursor.get(name) as string)).toEqual(heads.get(name)?.head);
    }
    each.cut();
  }
  expect(hub.paced(NAMES[0])).toBeUndefined();
}

async function drainAll(client: ModelClient, clock: ManualClock): Promise<void> {
  for (let before = -1; before !== client.seen.length; ) {
    before = client.seen.length;
    client.drain();
    await clock.advanceAsync(50);
  }
}

async function comeBack(clients: readonly ModelClient[], clock: ManualClock): Promise<void> {
  for (const each of clients) {
    if (each.cursor.size > 0) void each.connect("sse");
  }
  await clock.advanceAsync(200);
}

/** No hole that no gap explains, no event twice, every datum as published. */
function check(seen: readonly Seen[], name: string, truth: Truth): void {
  let at: Position | undefined;
  for (const message of seen) {
    if ("id" in message) {
      const position = parsePosition(message.id) as Position;
      if (at !== undefined) expect(position).toEqual({ epoch: at.epoch, offset: at.offset + 1 });
      expect(message.data).toBe(truth.get(`${name} ${message.id}`));
      at = position;
    } else {
      const after = parsePosition(message.after) as Position;
      const next = parsePosition(message.next) as Position;
      if (at !== undefined) expect(after).toEqual(at);
      if (message.reason === "epoch") expect([next.epoch === after.epoch, message.lost]).toEqual([false, null]);
      else expect([next.epoch, message.lost]).toEqual([after.epoch, next.offset - after.offset]);
      at = next;
    }
  }
}

function key(name: string, { epoch, offset }: Position): string {
  return `${name} ${epoch}:${offset}`;
}
