import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent, Data } from "../../src/core/event.ts";
import { encodeItem, fromBase64, parseMessage, toBase64 } from "../../src/wire/message.ts";

const channel = parseChannelName("chat");

function eventOf(data: Data, more: Partial<ChannelEvent> = {}): ChannelEvent {
  return {
    channel,
    position: { epoch: "x7", offset: 42 },
    type: "message",
    key: undefined,
    time: 1790000000000,
    data,
    ...more,
  };
}

describe("encodeItem", () => {
  it("writes an event with text as one JSON object", () => {
    expect(encodeItem(eventOf({ kind: "text", text: 'a"\n' }))).toBe(
      '{"id":"x7:42","channel":"chat","type":"message","time":1790000000000,"data":"a\\"\\n"}',
    );
  });

  it("writes the key where there is one", () => {
    expect(encodeItem(eventOf({ kind: "text", text: "" }, { key: 'k"', type: 't"' }))).toBe(
      '{"id":"x7:42","channel":"chat","type":"t\\"","key":"k\\"","time":1790000000000,"data":""}',
    );
  });

  it("writes JSON as it was published, but on one line", () => {
    expect(encodeItem(eventOf({ kind: "json", text: "12345678901234567890" }))).toContain(
      '"data":12345678901234567890}',
    );
    expect(encodeItem(eventOf({ kind: "json", text: '{\r\n"a": 1.0}' }))).toContain('"data":{  "a": 1.0}}');
    expect(encodeItem(eventOf({ kind: "json", text: "[\r]" }))).toContain('"data":[ ]}');
  });

  it("writes bytes as base64", () => {
    expect(encodeItem(eventOf({ kind: "binary", bytes: Uint8Array.of(0, 255, 128) }))).toContain(
      '"data":"AP+A","encoding":"base64"}',
    );
  });

  it("writes a gap", () => {
    const after = { epoch: "x7", offset: 2 };
    const next = { epoch: "x7", offset: 9 };
    expect(encodeItem({ channel, after, next, lost: 7, reason: "trimmed" })).toBe(
      '{"type":"$gap","channel":"chat","after":"x7:2","next":"x7:9","lost":7,"reason":"trimmed"}',
    );
  });

  it("writes one line, which parseMessage reads, for any event", () => {
    const data: fc.Arbitrary<Data> = fc.oneof(
      fc.string({ unit: "binary" }).map((text): Data => ({ kind: "text", text })),
      fc.jsonValue().map((value): Data => ({ kind: "json", text: JSON.stringify(value, undefined, 1) })),
      fc.uint8Array().map((bytes): Data => ({ kind: "binary", bytes })),
    );
    fc.assert(
      fc.property(data, fc.string({ minLength: 1 }), fc.option(fc.string(), { nil: undefined }), (data, name, key) => {
        const type = `t${name}`;
        const json = encodeItem(eventOf(data, { type, key }));
        expect(json).not.toMatch(/[\r\n]/);
        const value =
          data.kind === "binary" ? toBase64(data.bytes) : data.kind === "json" ? JSON.parse(data.text) : data.text;
        expect(parseMessage(json)).toEqual({
          id: "x7:42",
          channel: "chat",
          type,
          ...(key === undefined ? {} : { key }),
          time: 1790000000000,
          data: value,
          ...(data.kind === "binary" ? { encoding: "base64" } : {}),
        });
      }),
    );
  });
});

describe("parseMessage", () => {
  const messages: Record<string, unknown>[] = [
    { id: "x:1", channel: "c", type: "message", time: 1, data: null },
    { type: "$open", cursor: "x:0", heartbeatMs: 15000, transport: "sse", time: 1 },
    { type: "$heartbeat", time: 1 },
    { type: "$gap", channel: "c", after: "x:1", next: "x:2", lost: null, reason: "epoch" },
    { type: "$close", code: 1001, reason: "", reconnectMs: null },
    { type: "$ack", ref: 1 },
    { type: "$error", code: "internal", detail: "" },
  ];

  it.each(messages)("reads $type, with fields that it does not know", (fields) => {
    expect(parseMessage(JSON.stringify(fields))).toEqual(fields);
    expect(parseMessage(JSON.stringify({ ...fields, later: 1 }))).toEqual({ ...fields, later: 1 });
  });

  it.each(messages)("refuses $type where a field is missing or of another kind", (fields) => {
    for (const name of Object.keys(fields)) {
      expect(parseMessage(JSON.stringify({ ...fields, [name]: undefined })), name).toBeUndefined();
      if (name !== "data") expect(parseMessage(JSON.stringify({ ...fields, [name]: [] })), name).toBeUndefined();
    }
  });

  it("refuses optional fields of another kind", () => {
    expect(parseMessage('{"id":"x:1","channel":"c","type":"t","time":1,"data":1,"key":1}')).toBeUndefined();
    expect(parseMessage('{"type":"$error","ref":null,"code":"internal","detail":""}')).toBeUndefined();
  });

  it.each(["", "{", "null", "[]", "1", "{}", '{"type":"$later","time":1}', '{"type":"$"}'])("refuses %s", (json) => {
    expect(parseMessage(json)).toBeUndefined();
  });
});

describe("base64", () => {
  it("brings back any bytes, many too", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
    const many = Uint8Array.from({ length: 100_000 }, (_, index) => index);
    expect(fromBase64(toBase64(many))).toEqual(many);
  });

  it("is undefined for text that is none", () => {
    expect(fromBase64("a*")).toBeUndefined();
    expect(fromBase64("é")).toBeUndefined();
  });
});
