/** Snapshots as bytes: what goes in comes out, however it is cut, and nothing else does. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSnapshot, SnapshotReader, type SnapshotRecord } from "../../src/store/snapshot.ts";

const text = fc.string({ unit: "binary" }); // halves of surrogate pairs too
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const record: fc.Arbitrary<SnapshotRecord> = fc.oneof(
  fc.tuple(fc.constant("store" as const), text),
  fc.tuple(fc.constant("log" as const), text, text, offset),
  fc.tuple(fc.constant("event" as const), offset, text, fc.option(text), text, text),
  fc.tuple(fc.constant("rest" as const), text, text, offset),
  fc.tuple(fc.constant("key" as const), text, text, offset, offset),
);

const SMALL: readonly SnapshotRecord[] = [
  ["store", "aaaaaaaa"],
  ["log", "chat", "bbbbbbbb", 40],
  ["event", 1_790_000_000_000, "message", null, "text", "two\nlines, 🙂 \ud800\u2028"],
  ["rest", "news", "cccccccc", 7],
  ["key", "chat k", "bbbbbbbb", 41, 1_790_000_000_000],
];

function bytesOf(records: Iterable<SnapshotRecord>): Buffer {
  return Buffer.concat([...encodeSnapshot(records)]);
}

function read(...parts: readonly Uint8Array[]): readonly SnapshotRecord[] {
  const reader = new SnapshotReader();
  const records = parts.flatMap((part) => [...reader.push(part)]);
  reader.end();
  return records;
}

describe("a snapshot", () => {
  test("is text that says what it is", () => {
    expect(bytesOf(SMALL.slice(0, 2)).toString()).toBe(
      'tailwire snapshot 1\n["store","aaaaaaaa"]\n["log","chat","bbbbbbbb",40]\nend 904db24d\n',
    );
  });

  test("gives the records back, whichever they are and wherever it is cut", () => {
    fc.assert(
      fc.property(fc.array(record), fc.array(fc.nat()), (records, cuts) => {
        const bytes = bytesOf(records);
        const places = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
        const parts = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(read(...parts)).toEqual(records);
      }),
    );
  });

  test("may be cut at every byte", () => {
    const bytes = bytesOf(SMALL);
    for (let at = 0; at <= bytes.length; at += 1)
      expect(read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(SMALL);
    expect(read(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(SMALL);
  });

  test("is made and read in parts, without holding all of it", () => {
    const event: SnapshotRecord = ["event", 0, "message", null, "text", "x".repeat(1000)];
    const reader = new SnapshotReader();
    let asked = 0;
    let given = 0;
    function* events() {
      for (; asked < 5000; asked += 1) yield event;
    }
    for (const part of encodeSnapshot(events())) {
      expect(part.length).toBeLessThan(70_000);
      for (const _ of reader.push(part)) given += 1;
      expect(asked - given).toBeLessThan(100);
    }
    reader.end();
    expect(given).toBe(5000);
  });

  test("with any bit turned is refused", () => {
    const bytes = bytesOf(SMALL);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const turned = Buffer.from(bytes);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => read(turned)).toThrow(expect.objectContaining({ code: "invalid_data" }));
    }
  });

  test("that is cut off, or goes on, is refused", () => {
    const bytes = bytesOf(SMALL);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => read(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: "invalid_data" }));
    }
    expect(() => read(bytes, Buffer.from("\n"))).toThrow("it is damaged or cut off");
    expect(() => read(bytes, bytes)).toThrow("it is damaged or cut off");
  });

  test.each([
    ["tailwire snapshot 2\nwhatever there is\n", "it has format 2, and this version reads format 1 only"],
    ["<!doctype html>\n<title>Sorry</title>\n", "it is no snapshot of tailwire's"],
    ['tailwire snapshot 1\n["log","chat"]\nend 00000000\n', "it is damaged or cut off"],
    ['tailwire snapshot 1\n["toString"]\nend 00000000\n', "it is damaged or cut off"],
    ["tailwire snapshot 1\n{}\nend 00000000\n", "it is damaged or cut off"],
    ["tailwire snapshot 3\n", "it has format 3, and this version reads format 1 only"],
    ["tailwire snapshot 1\n", "it is damaged or cut off"],
    ["x".repeat(1000), "it is no snapshot of tailwire's"],
    ["letter\n", "it is no snapshot of tailwire's"],
    ["", "it is no snapshot of tailwire's"],
  ])("that is %j is refused: %s", (content, why) => {
    expect(() => read(Buffer.from(content))).toThrow(why);
  });
});
