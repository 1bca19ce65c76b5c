import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Data, EventInput } from "../../../src/core/event.ts";
import {
  packEvent,
  packFrom,
  unpackAppended,
  unpackEvent,
  unpackNotification,
  unpackRead,
} from "../../../src/store/redis/codec.ts";
import { checkPrefix, slotOf } from "../../../src/store/redis/keys.ts";
import { chat, codeOf } from "./stage.ts";

const position = { epoch: "x7f3k2", offset: 42 };
const word = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !/[\r\n\0]/.test(text));
const data: fc.Arbitrary<Data> = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), text: fc.string({ unit: "grapheme" }) }),
  fc.record({ kind: fc.constant("json" as const), text: fc.json() }),
  fc.record({ kind: fc.constant("binary" as const), bytes: fc.uint8Array() }),
);
const input = fc.record({ data, type: word, key: fc.option(word, { nil: undefined }) });

function packed(event: Pick<EventInput, "data" | "type" | "key">): Buffer {
  return Buffer.from(packEvent(event) as Buffer);
}

describe("an event, packed for Redis", () => {
  it("comes back as it was, whatever it holds, from a read and from a notification", () => {
    fc.assert(
      fc.property(input, (event) => {
        const expected = { channel: chat, position, time: 1_790_000_000_000, ...event };
        expect(unpackEvent(chat, position, expected.time, packed(event))).toEqual(expected);
        const message = Buffer.concat([Buffer.from("x7f3k2:42:1790000000000\n"), packed(event)]);
        expect(unpackNotification(chat, message)).toEqual(expected);
      }),
    );
  });

  it("does not keep what came with it", () => {
    const bytes = packed({ data: { kind: "binary", bytes: Uint8Array.of(1, 2) }, type: "t", key: undefined });
    const event = unpackEvent(chat, position, 0, bytes);
    expect(event.data.kind === "binary" && event.data.bytes.buffer.byteLength).toBe(2);
  });

  it.each(["", "x", "t", "tmessage", "tmessage\n", "?message\n\nx"])("is refused where it is none: %j", (text) => {
    expect(() => unpackEvent(chat, position, 0, Buffer.from(text))).toThrow(/not written/);
  });
});

describe("an answer of Redis", () => {
  it("says where an append stands, and whether it is a duplicate", () => {
    expect(unpackAppended("x7f3k2:42")).toEqual({ position, duplicate: false });
    expect(unpackAppended("=x7f3k2:42")).toEqual({ position, duplicate: true });
    expect(() => unpackAppended(null)).toThrow(/not written/);
  });

  it("brings events that go on from where the read begins, and the gap before them", () => {
    const event = packed({ data: { kind: "text", text: "x" }, type: "message", key: undefined });
    const answer = [Buffer.from("e"), 9, 7, 1, event, 2, event];
    const { start, gap, events, head } = unpackRead(
      chat,
      { kind: "after", position: { epoch: "e", offset: 3 } },
      answer,
    );
    expect([start.offset, gap?.lost, gap?.next.offset, head.offset]).toEqual([3, 4, 7, 9]);
    expect(events.map(({ position: { offset }, time }) => [offset, time])).toEqual([
      [8, 1],
      [9, 2],
    ]);
    expect(() => unpackRead(chat, { kind: "now" }, "OK")).toThrow(/not written/);
  });
});

describe("where a read begins", () => {
  it("is an epoch and an offset, or how many from the end", () => {
    expect(packFrom({ kind: "after", position })).toEqual(["x7f3k2", "42"]);
    expect(packFrom({ kind: "now" })).toEqual(["", "0"]);
    expect(packFrom({ kind: "last", count: 5 })).toEqual(["", "5"]);
    expect(packFrom({ kind: "earliest" })).toEqual(["", "9007199254740991"]);
  });
});

describe("the slot of a channel", () => {
  it("is that of the Cluster's specification", () => {
    // The check value of CRC-16/XMODEM is 0x31c3.
    expect(slotOf("123456789" as typeof chat)).toBe(0x31c3 % 16_384);
    expect(slotOf("foo" as typeof chat)).toBe(12_182);
  });
});

describe("a prefix", () => {
  it.each(["", "a{b", "}", "a b", "ä", "x".repeat(65)])("is refused where it could break names: %j", async (prefix) => {
    expect(await codeOf(() => checkPrefix(prefix))).toBe("misuse");
  });
});
