import { describe, expect, test } from "vitest";
import type { ChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent } from "../../src/core/event.ts";
import { Log, type Retention } from "../../src/core/log.ts";

const CHAT = "chat" as ChannelName;
const ALL: Retention = { maxEvents: 1e9, maxBytes: 1e9, maxAgeMs: 1e9 };
const PLENTY = { maxEvents: 1e9, maxBytes: 1e9 };

function event(offset: number, { time = 0, text = "x", epoch = "e" } = {}): ChannelEvent {
  const position = { epoch, offset };
  return { channel: CHAT, position, type: "message", key: undefined, time, data: { kind: "text", text } };
}

function logOf(count: number, retention = ALL): Log {
  const log = new Log(CHAT, { epoch: "e", offset: 0 });
  for (let offset = 1; offset <= count; offset += 1) log.append(event(offset), retention);
  return log;
}

function offsets(log: Log, from: Parameters<Log["read"]>[0], limit = PLENTY): number[] {
  return log.read(from, limit).events.map(({ position }) => position.offset);
}

describe("a log", () => {
  test("is read from every place", () => {
    const log = logOf(5);
    expect(offsets(log, { kind: "earliest" })).toEqual([1, 2, 3, 4, 5]);
    expect(offsets(log, { kind: "now" })).toEqual([]);
    expect(offsets(log, { kind: "last", count: 2 })).toEqual([4, 5]);
    expect(offsets(log, { kind: "last", count: 99 })).toEqual([1, 2, 3, 4, 5]);
    expect(offsets(log, { kind: "after", position: { epoch: "e", offset: 3 } })).toEqual([4, 5]);
  });

  test("gives no more than the limit, and at least one event", () => {
    const log = logOf(5);
    expect(offsets(log, { kind: "earliest" }, { maxEvents: 2, maxBytes: 1e9 })).toEqual([1, 2]);
    expect(offsets(log, { kind: "earliest" }, { maxEvents: 5, maxBytes: 1 })).toEqual([1]);
    expect(offsets(log, { kind: "earliest" }, { maxEvents: 0, maxBytes: 0 })).toEqual([]);
  });

  test("keeps the newest events, within each of its three bounds", () => {
    expect(offsets(logOf(5, { ...ALL, maxEvents: 3 }), { kind: "earliest" })).toEqual([3, 4, 5]);
    expect(offsets(logOf(5, { ...ALL, maxBytes: 16 }), { kind: "earliest" })).toEqual([4, 5]);
    const log = new Log(CHAT, { epoch: "e", offset: 0 });
    for (const time of [0, 10, 20]) log.append(event(log.head.offset + 1, { time }), { ...ALL, maxAgeMs: 10 });
    expect(offsets(log, { kind: "earliest" })).toEqual([2, 3]);
    expect(log.trim(31, { ...ALL, maxAgeMs: 10 })).toBe(2);
    expect(log.head).toEqual({ epoch: "e", offset: 3 });
    expect(offsets(log, { kind: "earliest" })).toEqual([]);
  });

  test("keeps one event that is larger than maxBytes", () => {
    expect(offsets(logOf(3, { ...ALL, maxBytes: 1 }), { kind: "earliest" })).toEqual([3]);
  });

  test("tells exactly what was trimmed", () => {
    const read = logOf(10, { ...ALL, maxEvents: 3 }).read(
      { kind: "after", position: { epoch: "e", offset: 4 } },
      PLENTY,
    );
    expect(read.gap).toEqual({
      channel: CHAT,
      after: { epoch: "e", offset: 4 },
      next: { epoch: "e", offset: 7 },
      lost: 3,
      reason: "trimmed",
    });
    expect(read.events.map(({ position }) => position.offset)).toEqual([8, 9, 10]);
  });

  test("has no gap at the very edge of what it keeps", () => {
    const log = logOf(10, { ...ALL, maxEvents: 3 });
    expect(log.read({ kind: "after", position: { epoch: "e", offset: 7 } }, PLENTY).gap).toBeUndefined();
    expect(log.read({ kind: "after", position: { epoch: "e", offset: 6 } }, PLENTY).gap?.lost).toBe(1);
  });

  test("goes on from its oldest event for a position of another epoch", () => {
    const read = logOf(3).read({ kind: "after", position: { epoch: "old", offset: 2 } }, PLENTY);
    expect(read.gap).toMatchObject({ lost: null, reason: "epoch", next: { epoch: "e", offset: 0 } });
    expect(read.events).toHaveLength(3);
  });

  test("gives nothing after a position that it has not reached", () => {
    const read = logOf(3).read({ kind: "after", position: { epoch: "e", offset: 9 } }, PLENTY);
    expect(read).toMatchObject({ gap: undefined, events: [], head: { epoch: "e", offset: 3 } });
  });

  test("is the same after thousands of trims as after none", () => {
    const log = logOf(10_000, { ...ALL, maxEvents: 5 });
    expect(log.size).toBe(5);
    expect(offsets(log, { kind: "last", count: 3 })).toEqual([9998, 9999, 10_000]);
  });
});
