import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelName, parseChannelName } from "../../src/core/channel-name.ts";
import { type Cursor, type From, formatCursor, parseFrom } from "../../src/core/cursor.ts";
import type { Position } from "../../src/core/position.ts";

const a = parseChannelName("a");
const b = parseChannelName("b");
const at = (epoch: string, offset: number): Position => ({ epoch, offset });
const following = (epoch: string, offset: number): From => ({ kind: "after", position: at(epoch, offset) });
const entries = (text: string, channels: readonly ChannelName[]): [ChannelName, From][] => [
  ...parseFrom(text, channels),
];

describe("formatCursor", () => {
  it("writes one channel as its position alone", () => {
    expect(formatCursor(new Map([[a, at("x", 1)]]))).toBe("x:1");
  });

  it("writes several with their names, in their order", () => {
    const cursor: Cursor = new Map([
      [b, at("y", 2)],
      [a, at("x", 1)],
    ]);
    expect(formatCursor(cursor)).toBe("b=y:2,a=x:1");
  });
});

describe("parseFrom", () => {
  it.each<[string, From]>([
    ["now", { kind: "now" }],
    ["earliest", { kind: "earliest" }],
    ["-50", { kind: "last", count: 50 }],
  ])("takes %s for every channel", (text, from) => {
    expect(entries(text, [a, b])).toEqual([
      [a, from],
      [b, from],
    ]);
  });

  it("takes a position for one channel, with or without its name", () => {
    expect(entries("x:1", [a])).toEqual([[a, following("x", 1)]]);
    expect(entries("a=x:1", [a])).toEqual([[a, following("x", 1)]]);
  });

  it("begins at now in a channel that the cursor does not name, and keeps the order of the channels", () => {
    expect(entries("b=y:2", [a, b])).toEqual([
      [a, { kind: "now" }],
      [b, following("y", 2)],
    ]);
    expect(entries("b=y:2,a=x:1", [a, b])).toEqual([
      [a, following("x", 1)],
      [b, following("y", 2)],
    ]);
  });

  it("takes a word in place of a channel's position", () => {
    const c = parseChannelName("c");
    expect(entries("b=-50,a=earliest,c=y:2", [a, b, c])).toEqual([
      [a, { kind: "earliest" }],
      [b, { kind: "last", count: 50 }],
      [c, following("y", 2)],
    ]);
    expect(entries("a=now,b=-1", [a, b, c])).toEqual([
      [a, { kind: "now" }],
      [b, { kind: "last", count: 1 }],
      [c, { kind: "now" }],
    ]);
    expect(entries("a=-50", [a])).toEqual([[a, { kind: "last", count: 50 }]]);
  });

  it("takes what looks like a word for the channel's name where it is one", () => {
    const [now, last] = [parseChannelName("now"), parseChannelName("-1")];
    expect(entries("-1=now,now=-1", [now, last])).toEqual([
      [now, { kind: "last", count: 1 }],
      [last, { kind: "now" }],
    ]);
  });

  it.each([
    "",
    "soon",
    "NOW",
    "-0",
    "-",
    "-1.5",
    "+1",
    "1",
    "x:",
    "x:1",
    "c=x:1",
    "a=x:1,a=x:2",
    "a=x:1,",
    ",",
    "a=-0",
    "a=",
    "a=soon",
    "a=NOW",
    "a=-1,-1",
    "a=-1,a=-1",
    "a=a=-1",
    "a= -1",
    "c=now",
    "-1,b=-1",
    "earliest,b=x:1",
    "=x:1",
    "=now",
  ])("refuses %j for two channels, and names the parameter", (text) => {
    const refused = expect.objectContaining({ code: "invalid_parameter", parameter: "Last-Event-ID" });
    expect(() => parseFrom(text, [a, b], "Last-Event-ID")).toThrow(refused);
  });

  it("refuses, for one channel, the position of another", () => {
    expect(() => parseFrom("b=x:1", [a])).toThrow(
      expect.objectContaining({ code: "invalid_parameter", parameter: "from" }),
    );
  });

  it("reads every cursor that formatCursor writes", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.:@~-]{1,8}$/).map(parseChannelName);
    const position = fc.record({ epoch: fc.stringMatching(/^[A-Za-z0-9]{1,8}$/), offset: fc.maxSafeNat() });
    const pairs = fc.uniqueArray(fc.tuple(name, position), { minLength: 1, maxLength: 5, selector: ([name]) => name });
    fc.assert(
      fc.property(pairs, (pairs) => {
        const cursor = new Map(pairs);
        const expected = pairs.map(([name, position]): [ChannelName, From] => [name, { kind: "after", position }]);
        expect(entries(formatCursor(cursor), [...cursor.keys()])).toEqual(expected);
      }),
    );
  });
});
