import { describe, expect, it } from "vitest";
import { formatEvent, formatGap, parseLine } from "../../src/cli/tail-message.ts";

describe("an event is printed", () => {
  it.each([
    ["text as it is", '"data":"a \\u00e9\\n b"', "a é\n b"],
    ["binary as base64", '"data":"AQI=","encoding":"base64"', "AQI="],
    [
      "JSON as it was published",
      '"data":{"n": 12345678901234567890, "data":1.0}',
      '{"n": 12345678901234567890, "data":1.0}',
    ],
    ["a number with all its digits", '"data":0.10000000000000000001', "0.10000000000000000001"],
    ["null", '"data":null', "null"],
  ])("%s", (_, data, text) => expect(print(data)).toBe(text));

  it("also where the data is not last in the message, or something looks like it", () => {
    expect(print('"data":{"a": 1},"more":2')).toBe('{"a":1}');
    expect(print('"key":"\\"data\\":7","data":8')).toBe("8");
  });

  it("with a label before each line", () => {
    expect(print('"data":"one\\ntwo"', "chat: ")).toBe("chat: one\nchat: two");
  });
});

describe("a line of the stream", () => {
  it("can be a system message", () => {
    const open = '{"type":"$open","cursor":"e:1","heartbeatMs":15000,"transport":"stream","time":1}';
    expect(parseLine(open)).toEqual({ kind: "open", cursor: "e:1", heartbeatMs: 15_000 });
    const close = { kind: "close", reason: "r" };
    expect(parseLine('{"type":"$close","code":1001,"reason":"r","reconnectMs":7}')).toEqual({
      ...close,
      reconnectMs: 7,
    });
    expect(parseLine('{"type":"$close","code":1008,"reason":"r","reconnectMs":null}')).toEqual({
      ...close,
      reconnectMs: null,
    });
    expect(parseLine('{"type":"$heartbeat","time":1}')).toEqual({ kind: "other" });
    expect(parseLine('{"type":"$later"}')).toEqual({ kind: "other" });
  });

  it.each(["", "{", "[]", "1", "null", "{}", '{"type":1}', '{"type":"message"}'])("is no message: %j", (line) => {
    expect(parseLine(line)).toBeUndefined();
  });
});

describe("a gap", () => {
  it.each([
    [1, "trimmed", "1 event of chat is no longer kept"],
    [12, "trimmed", "12 events of chat are no longer kept"],
    [null, "trimmed", "events of chat are no longer kept; nobody knows how many"],
    [null, "epoch", "chat has begun anew on the server; events of before may be missing"],
  ])("of %s, %s, is told", (lost, reason, text) => {
    expect(formatGap({ channel: "chat", next: "e:1", lost, reason })).toBe(text);
  });
});

function print(data: string, label = ""): string {
  const line = `{"id":"e:1","channel":"chat","type":"data","time":1,${data}}`;
  const received = parseLine(line);
  if (received?.kind !== "event") throw new Error("no event");
  return formatEvent(received.event, received.line, label);
}
