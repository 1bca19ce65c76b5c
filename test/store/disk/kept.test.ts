import fc from "fast-check";
import { expect, it } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import { type ChannelEvent, eventBytes } from "../../../src/core/event.ts";
import { Log, type Retention } from "../../../src/core/log.ts";
import { deletableTo, keptAfter } from "../../../src/store/disk/kept.ts";
import type { ChannelRecord, EventHead } from "../../../src/store/disk/values.ts";

const channel = parseChannelName("chat");
const LIMITLESS: Retention = { maxEvents: 1e9, maxBytes: 1e9, maxAgeMs: 1e9 };

const limit = (max: number) => fc.oneof(fc.nat(max), fc.constant(Number.POSITIVE_INFINITY));
const retention: fc.Arbitrary<Retention> = fc.record({
  maxEvents: limit(40),
  maxBytes: limit(400),
  maxAgeMs: limit(200),
});
/** Events, by how much later each is than the one before, and how long its data is. */
const steps = fc.array(fc.record({ later: fc.nat(10), length: fc.nat(20) }), { maxLength: 40 });

it("what is kept is what a log in memory would keep, whatever is deleted already", () => {
  fc.assert(
    fc.property(steps, retention, fc.nat(300), fc.nat(100), (all, limits, wait, part) => {
      const { log, heads, record, time } = made(all);
      const now = time + wait;
      log.trim(now, limits);
      const kept = log.head.offset - log.size;
      const trimmed = Math.min(Math.floor((record.newest * part) / 100), kept);
      const deleted = { ...record, trimmed, trimmedBytes: heads[trimmed]?.bytes ?? 0 };
      expect(keptAfter(deleted, limits, now, (offset) => present(heads, deleted, offset))).toBe(kept);
    }),
  );
});

it("what may be deleted is what is not kept, and more than a second old", () => {
  fc.assert(
    fc.property(steps, fc.nat(40), fc.nat(1300), (all, wish, wait) => {
      const { heads, record, time } = made(all);
      const kept = Math.min(wish, record.newest);
      const last = deletableTo(record, kept, time + wait, (offset) => present(heads, record, offset));
      const old = heads.slice(1, kept + 1).filter((head) => time + wait - head.time > 1000);
      expect(last).toBe(old.length);
    }),
  );
});

it("where the clock was set back, events may be deleted all the same", () => {
  const { heads, record, time } = made([{ later: 5, length: 1 }]);
  expect(deletableTo(record, 1, time - 10, (offset) => present(heads, record, offset))).toBe(1);
});

function made(all: readonly { readonly later: number; readonly length: number }[]) {
  const log = new Log(channel, { epoch: "e", offset: 0 });
  const heads: EventHead[] = [{ time: 0, bytes: 0 }];
  let time = 1_790_000_000_000;
  for (const [index, { later, length }] of all.entries()) {
    time += later;
    const event: ChannelEvent = {
      channel,
      position: { epoch: "e", offset: index + 1 },
      type: "t",
      key: undefined,
      time,
      data: { kind: "text", text: "x".repeat(length) },
    };
    log.append(event, LIMITLESS);
    heads.push({ time, bytes: (heads.at(-1)?.bytes ?? 0) + eventBytes(event) });
  }
  const record: ChannelRecord = {
    channel: 1,
    log: 2,
    epoch: "e",
    newest: all.length,
    trimmed: 0,
    newestBytes: heads.at(-1)?.bytes ?? 0,
    trimmedBytes: 0,
    newestTime: all.length === 0 ? 0 : time,
    agedAt: 0,
    restingSince: 0,
  };
  return { log, heads, record, time };
}

/** Only what is not deleted can be looked up. */
function present(heads: readonly EventHead[], { trimmed, newest }: ChannelRecord, offset: number): EventHead {
  const head = heads[offset];
  if (head === undefined || offset <= trimmed || offset > newest) throw new Error(`event ${offset} is not there`);
  return head;
}
