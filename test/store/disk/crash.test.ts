/**
 * Processes that append and follow are killed at any moment; whatever they had said was acknowledged, or had seen, is
 * there afterwards. TAILWIRE_RUNS says how many rounds, of two kills each.
 */

import { expect, test } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import type { ChannelEvent } from "../../../src/core/event.ts";
import type { Retention } from "../../../src/core/log.ts";
import { formatPosition } from "../../../src/core/position.ts";
import { seededRandom } from "../../../src/testing/random.ts";
import { Child, type Told } from "./child.ts";
import { makeFolder, type OpenStore, openStore } from "./folder.ts";

const ROUNDS = Number(process.env.TAILWIRE_RUNS ?? 12);
const SEED = Number(process.env.TAILWIRE_SEED ?? 1);
const CHANNELS = ["a", "b"];
const ALL = { maxEvents: 1e6, maxBytes: 1e9 };

type Limits = Partial<Retention> & Pick<Retention, "maxEvents">;
type Event = Told & { readonly is: "acknowledged" | "saw" };

test.each([
  ["keeps everything", { maxEvents: 1e6, maxBytes: 1e9 }],
  ["deletes on the way", { maxEvents: 20 }],
])(
  "a store that %s has, after its processes were killed, all that was acknowledged or seen",
  async (_, retention) => {
    const random = seededRandom(SEED);
    const folder = makeFolder();
    const told: Event[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const children = ["x", "y"].map(
        (name) => new Child({ folder, name: `${name}${round}`, channels: CHANNELS, concurrency: 8, retention }),
      );
      for (const child of children) await child.says(Math.floor(random() ** 3 * 1000));
      for (const child of children) {
        await child.says(child.told.length + Math.floor(random() * 50));
        await child.kill();
      }
      const tellings = children.map((child) => child.told.filter(isEvent));
      for (const each of tellings) assertInOrder(each, retention.maxEvents);
      await assertAllKept(folder, retention, tellings.flat());
      told.push(...tellings.flat());
    }
    await assertAllKept(folder, retention, told);
  },
  20_000 + ROUNDS * 5000,
);

function isEvent(told: Told): told is Event {
  return told.is === "acknowledged" || told.is === "saw";
}

/** What one process saw of a channel: in order, none twice, and no hole but of what is kept no longer. */
function assertInOrder(told: readonly Event[], maxEvents: number): void {
  for (const channel of CHANNELS) {
    const offsets = told.filter((each) => each.is === "saw" && each.channel === channel).map(({ id }) => offsetOf(id));
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    if (maxEvents > offsets.length) expect(offsets.at(-1) ?? 0).toBe((offsets[0] ?? 1) + offsets.length - 1);
  }
}

async function assertAllKept(folder: string, retention: Limits, told: readonly Event[]): Promise<void> {
  const store = openStore(folder, { retention });
  for (const channel of CHANNELS) await assertKept(store, channel, told, retention.maxEvents);
  await store.close?.();
}

async function assertKept(store: OpenStore, name: string, told: readonly Event[], maxEvents: number): Promise<void> {
  const channel = parseChannelName(name);
  const { start, events, head } = await store.read(channel, { kind: "earliest" }, ALL);
  const standsWrong = ({ position }: ChannelEvent, index: number) =>
    position.epoch !== head.epoch || position.offset !== start.offset + 1 + index;
  expect(events.filter(standsWrong)).toEqual([]);
  expect(start.offset + events.length).toBe(head.offset);
  expect(start.offset).toBe(Math.max(0, head.offset - maxEvents));
  expect(new Set(events.map(textOf)).size).toBe(events.length);
  const kept = new Map(events.map((event) => [formatPosition(event.position), textOf(event)]));
  const isGone = ({ channel: of, id, text }: Event) =>
    of === name && kept.get(id) !== text && !(id.startsWith(`${head.epoch}:`) && offsetOf(id) <= start.offset);
  expect(told.filter(isGone)).toEqual([]);
  await assertKeysKnown(store, channel, told);
}

/** A retry of what was acknowledged last makes no second event. */
async function assertKeysKnown(
  store: OpenStore,
  channel: ReturnType<typeof parseChannelName>,
  told: readonly Event[],
): Promise<void> {
  const last = told.findLast((each) => each.is === "acknowledged" && each.channel === channel);
  if (last === undefined) return;
  const data = { kind: "text", text: "again" } as const;
  const again = { data, type: "message", key: undefined, idempotencyKey: last.text };
  const { position, duplicate } = await store.append(channel, again);
  expect([formatPosition(position), duplicate]).toEqual([last.id, true]);
}

function textOf({ data }: ChannelEvent): string {
  return data.kind === "text" ? data.text : "";
}

function offsetOf(id: string): number {
  return Number(id.slice(id.indexOf(":") + 1));
}
