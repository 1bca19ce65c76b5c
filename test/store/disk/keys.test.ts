import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import {
  ALL_PURGED,
  agedBefore,
  agedKey,
  channelKey,
  commitKey,
  eventKey,
  idempotencyKey,
  idempotencyKeysBefore,
  type Key,
  type KeyRange,
  logOfPurged,
  MAX_NUMBER,
  purgedKey,
  restingBefore,
  restingKey,
  STATE_KEY,
} from "../../../src/store/disk/keys.ts";

const number = fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: MAX_NUMBER }));
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 255 });
const name = fc.stringMatching(/^[A-Za-z0-9_.:@~-]{1,128}$/).map(parseChannelName);

/** The longest key that LMDB takes. */
const MAX_KEY_BYTES = 1978;

describe("the keys of the disk store", () => {
  it.each<[string, (first: number, second: number) => Key]>([
    ["events", eventKey],
    ["aged channels", agedKey],
    ["resting channels", restingKey],
  ])("sort %s by the first number, then by the second", (_, key) => {
    fc.assert(
      fc.property(number, number, number, number, (a, b, c, d) => {
        expect(Math.sign(Buffer.compare(key(a, b), key(c, d)))).toBe(Math.sign(a - c) || Math.sign(b - d));
      }),
    );
  });

  it("sort commits by their number, all before the state", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Math.sign(Buffer.compare(commitKey(a), commitKey(b)))).toBe(Math.sign(a - b));
        expect(Buffer.compare(commitKey(a), STATE_KEY)).toBe(-1);
      }),
    );
  });

  it("are each their own, whatever they are of", () => {
    const key = fc.oneof(
      name.map((each) => ["channel", each, channelKey(each)] as const),
      fc.tuple(number, number).map(([a, b]) => ["event", `${a} ${b}`, eventKey(a, b)] as const),
      fc.tuple(number, number).map(([a, b]) => ["aged", `${a} ${b}`, agedKey(a, b)] as const),
      fc.tuple(number, number).map(([a, b]) => ["resting", `${a} ${b}`, restingKey(a, b)] as const),
      number.map((a) => ["commit", `${a}`, commitKey(a)] as const),
      number.map((a) => ["purged", `${a}`, purgedKey(a)] as const),
      fc.tuple(number, number, text).map(([a, b, c]) => ["known", `${a} ${b} ${c}`, idempotencyKey(a, b, c)] as const),
    );
    fc.assert(
      fc.property(key, key, ([kindA, a, keyA], [kindB, b, keyB]) => {
        expect(keyA.equals(keyB)).toBe(kindA === kindB && a === b);
        expect(keyA.length).toBeLessThanOrEqual(MAX_KEY_BYTES);
      }),
    );
  });

  it("tell idempotency keys apart that UTF-8 cannot hold", () => {
    const keys = ["\ud800", "\udc00", "\ufffd", "?", "a\ud800", "\ud800a"].map((key) => idempotencyKey(1, 1, key));
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(keys.length);
  });

  it("give the log of a purged one back", () => {
    fc.assert(
      fc.property(number, (log) => {
        expect(logOfPurged(purgedKey(log))).toBe(log);
        expect(isIn(ALL_PURGED, purgedKey(log))).toBe(true);
      }),
    );
  });

  it("are in the range before a number when theirs is lower", () => {
    fc.assert(
      fc.property(number, number, number, text, (a, b, channel, key) => {
        expect(isIn(agedBefore(b), agedKey(a, channel))).toBe(a < b);
        expect(isIn(restingBefore(b), restingKey(a, channel))).toBe(a < b);
        expect(isIn(idempotencyKeysBefore(b), idempotencyKey(a, channel, key))).toBe(a < b);
      }),
    );
  });

  it("are in no range that ends before the beginning of time", () => {
    expect(isIn(agedBefore(Number.NEGATIVE_INFINITY), agedKey(0, 0))).toBe(false);
    expect(isIn(restingBefore(-1.5), restingKey(0, 0))).toBe(false);
  });
});

function isIn({ start, end }: KeyRange, key: Key): boolean {
  return Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0;
}
