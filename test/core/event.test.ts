import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChannelName } from "../../src/core/channel-name.ts";
import {
  type ChannelEvent,
  checkIdempotencyKey,
  checkKey,
  checkType,
  dataFromValue,
  dataToValue,
  eventBytes,
  type Gap,
  isGap,
  positionAfter,
  received,
} from "../../src/core/event.ts";

const channel = parseChannelName("chat");
const event: ChannelEvent = {
  channel,
  position: { epoch: "x", offset: 2 },
  type: "message",
  key: undefined,
  time: 5,
  data: { kind: "json", text: '{"a": 1.0}' },
};
const gap: Gap = {
  channel,
  after: { epoch: "x", offset: 2 },
  next: { epoch: "y", offset: 7 },
  lost: null,
  reason: "epoch",
};

describe("data", () => {
  it("is text for a string, and JSON for all other values that JSON can hold", () => {
    expect(dataFromValue("1")).toEqual({ kind: "text", text: "1" });
    expect(dataFromValue({ a: [1, null] })).toEqual({ kind: "json", text: '{"a":[1,null]}' });
    expect(dataFromValue(null)).toEqual({ kind: "json", text: "null" });
  });

  it("is a copy of bytes", () => {
    const bytes = Uint8Array.of(0, 1, 2, 3);
    const copies = [
      dataFromValue(bytes.subarray(1, 3)),
      dataFromValue(bytes.buffer),
      dataFromValue(Buffer.from(bytes.buffer)),
    ];
    bytes.fill(9);
    expect(copies).toEqual([
      { kind: "binary", bytes: Uint8Array.of(1, 2) },
      { kind: "binary", bytes: Uint8Array.of(0, 1, 2, 3) },
      { kind: "binary", bytes: Uint8Array.of(0, 1, 2, 3) },
    ]);
  });

  it("refuses what JSON cannot hold", () => {
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [undefined, () => 1, Symbol("s"), 1n, circle]) {
      expect(() => dataFromValue(value)).toThrow(expect.objectContaining({ code: "invalid_data" }));
    }
  });

  it("comes back as the value it was made from", () => {
    const value = fc.oneof(fc.jsonValue(), fc.string(), fc.uint8Array());
    fc.assert(
      fc.property(value, (value) => {
        const expected = value instanceof Uint8Array ? value : JSON.parse(JSON.stringify(value));
        expect(dataToValue(dataFromValue(value))).toEqual(expected);
      }),
    );
  });
});

describe("an item", () => {
  it("is a gap or an event, and says where its reader stands after it", () => {
    expect([isGap(gap), isGap(event)]).toEqual([true, false]);
    expect([positionAfter(gap), positionAfter(event)]).toEqual([gap.next, event.position]);
  });

  it("is read by an application with its data as a value", () => {
    expect(received(event)).toEqual({ id: "x:2", channel: "chat", type: "message", time: 5, data: { a: 1 } });
    expect(received({ ...event, key: "k" })).toMatchObject({ key: "k" });
    expect(received(gap)).toEqual({
      type: "$gap",
      channel: "chat",
      after: "x:2",
      next: "y:7",
      lost: null,
      reason: "epoch",
    });
  });

  it("costs its data, type and key", () => {
    expect(eventBytes(event)).toBe(10 + 7);
    expect(eventBytes({ ...event, key: "key", data: { kind: "binary", bytes: new Uint8Array(100) } })).toBe(
      100 + 7 + 3,
    );
  });
});

describe.each([
  ["type", checkType, 128],
  ["key", checkKey, 256],
  ["idempotencyKey", checkIdempotencyKey, 255],
] as const)("the check of a %s", (parameter, check, maxLength) => {
  it("gives back what it takes", () => {
    for (const text of ["a", " ", "é: 😀", "x".repeat(maxLength)]) expect(check(text)).toBe(text);
  });

  it.each(["", "a\nb", "\r", "a\0", "\n", "x".repeat(maxLength + 1)])("refuses %j, and names itself", (text) => {
    expect(() => check(text)).toThrow(expect.objectContaining({ code: "invalid_parameter", parameter }));
  });
});

it("keeps the types that begin with $ for the system", () => {
  expect(() => checkType("$gap")).toThrow("belong to the system");
  expect(checkKey("$1")).toBe("$1");
});
