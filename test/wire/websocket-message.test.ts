import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TailwireError } from "../../src/core/errors.ts";
import {
  type ClientMessage,
  type ClientResult,
  encodeAck,
  encodeError,
  parseClientMessages,
} from "../../src/wire/websocket-message.ts";

const frameOf = (...messages: unknown[]): string => messages.map((message) => JSON.stringify(message)).join("\n");

function one(frame: string): ClientResult {
  const results = parseClientMessages(frame);
  expect(results).toHaveLength(1);
  return results[0] as ClientResult;
}

function message(fields: unknown): ClientMessage {
  const result = one(frameOf(fields));
  if (!result.ok) throw result.error;
  return result.message;
}

/** The code and the ref of the error that a message gets. */
function refusal(message: unknown): [string, unknown] | undefined {
  const result = one(typeof message === "string" ? message : frameOf(message));
  if (result.ok) return undefined;
  expect(result.error).toBeInstanceOf(TailwireError);
  return [result.error.code, result.ref];
}

function published(json: string): unknown {
  const result = one(json);
  if (!result.ok) throw result.error;
  return result.message.op === "publish" ? result.message.input.data : undefined;
}

describe("subscribe and unsubscribe", () => {
  it("begins at now where the client does not say", () => {
    expect(message({ op: "subscribe", channel: "chat" })).toEqual({
      op: "subscribe",
      ref: undefined,
      channel: "chat",
      from: { kind: "now" },
    });
  });

  it.each([
    ["now", { kind: "now" }],
    ["earliest", { kind: "earliest" }],
    ["-5", { kind: "last", count: 5 }],
    ["x7:42", { kind: "after", position: { epoch: "x7", offset: 42 } }],
    ["chat=x7:42", { kind: "after", position: { epoch: "x7", offset: 42 } }],
  ])("begins at %s", (from, parsed) => {
    expect(message({ op: "subscribe", ref: 1, channel: "chat", from })).toEqual({
      op: "subscribe",
      ref: 1,
      channel: "chat",
      from: parsed,
    });
  });

  it("unsubscribes", () => {
    expect(message({ op: "unsubscribe", ref: "a", channel: "chat" })).toEqual({
      op: "unsubscribe",
      ref: "a",
      channel: "chat",
    });
  });

  it("refuses a name outside the grammar and a from that does not parse, with the ref", () => {
    expect(refusal({ op: "subscribe", ref: 1, channel: "a b" })).toEqual(["invalid_channel", 1]);
    expect(refusal({ op: "unsubscribe", ref: 0, channel: "$x" })).toEqual(["invalid_channel", 0]);
    expect(refusal({ op: "subscribe", ref: "", channel: "chat", from: "soon" })).toEqual(["invalid_parameter", ""]);
    expect(refusal({ op: "subscribe", channel: "chat", from: "other=x:1" })).toEqual(["invalid_parameter", undefined]);
  });
});

describe("publish", () => {
  it("needs no more than a channel and data", () => {
    expect(message({ op: "publish", channel: "chat", data: "hi" })).toEqual({
      op: "publish",
      ref: undefined,
      channel: "chat",
      input: { type: "message", key: undefined, idempotencyKey: undefined, data: { kind: "text", text: "hi" } },
    });
  });

  it("takes type, key and idempotency key", () => {
    const fields = { op: "publish", ref: 2, channel: "chat", type: "t", key: "k", idempotencyKey: "i", data: "" };
    expect(message(fields)).toMatchObject({
      ref: 2,
      input: { type: "t", key: "k", idempotencyKey: "i", data: { kind: "text", text: "" } },
    });
  });

  it("takes a string as text, with its escapes undone", () => {
    expect(published('{"op":"publish","channel":"c","data":"a\\n\\u00e9"}')).toEqual({ kind: "text", text: "a\né" });
  });

  it("takes base64 as bytes", () => {
    expect(published('{"op":"publish","channel":"c","data":"AP+A","encoding":"base64"}')).toEqual({
      kind: "binary",
      bytes: Uint8Array.of(0, 255, 128),
    });
  });

  it.each(["12345678901234567890", "1.0", "null", "false", '{"a": [1.50,  "x"]}', "[]"])(
    "carries %s as it is written",
    (text) => {
      expect(published(`{"op":"publish","channel":"c","data": ${text} }`)).toEqual({ kind: "json", text });
    },
  );

  it("takes the last data of several, and whether it is text from the same one", () => {
    expect(published('{"data":"a","op":"publish","channel":"c","data":1.0}')).toEqual({ kind: "json", text: "1.0" });
    expect(published('{"data":1.0,"op":"publish","channel":"c","d\\u0061ta":"a"}')).toEqual({
      kind: "text",
      text: "a",
    });
  });

  it("carries any JSON so that it parses to the same value", () => {
    const nested = fc.jsonValue().filter((value) => typeof value !== "string");
    fc.assert(
      fc.property(
        nested,
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, " "),
        (data, more, indent) => {
          const fields = {
            ...more,
            op: "publish",
            channel: "c",
            ref: 1,
            data,
            type: "t",
            key: "k",
            encoding: undefined,
          };
          const json = JSON.stringify({ ...fields, idempotencyKey: "i" }, undefined, indent).replaceAll("\n", "\r");
          const sent = published(json) as { kind: string; text: string };
          expect(sent.kind).toBe("json");
          expect(JSON.parse(sent.text)).toEqual(JSON.parse(JSON.stringify(data)));
        },
      ),
    );
  });

  it.each([
    ["data missing", { data: undefined }, "invalid_message"],
    ["a type that is no string", { type: 1 }, "invalid_message"],
    ["a type of the system", { type: "$gap" }, "invalid_parameter"],
    ["a line break in the type", { type: "a\ndata: forged" }, "invalid_parameter"],
    ["an empty type", { type: "" }, "invalid_parameter"],
    ["a key that is no string", { key: null }, "invalid_message"],
    ["a NUL in the key", { key: "a\0" }, "invalid_parameter"],
    ["an idempotency key that is no string", { idempotencyKey: 1 }, "invalid_message"],
    ["a CR in the idempotency key", { idempotencyKey: "\r" }, "invalid_parameter"],
    ["an encoding that is not base64", { encoding: "hex" }, "invalid_message"],
    ["base64 of something that is no string", { data: [1], encoding: "base64" }, "invalid_message"],
    ["base64 that is none", { data: "a*", encoding: "base64" }, "invalid_data"],
  ])("refuses %s", (_, fields, code) => {
    expect(refusal({ op: "publish", ref: 7, channel: "c", data: "x", ...fields })).toEqual([code, 7]);
  });
});

describe("a frame", () => {
  it("holds several messages, and blank lines that are passed over", () => {
    const frame = `\n${frameOf({ op: "unsubscribe", channel: "a" })}\r\n \t\r\n${frameOf({ op: "unsubscribe", channel: "b" })}\n`;
    expect(parseClientMessages(frame).map((result) => result.ok && result.message.channel)).toEqual(["a", "b"]);
    expect(parseClientMessages("")).toEqual([]);
    expect(parseClientMessages("\n\r\n")).toEqual([]);
  });

  it("may hold a bad message without harm to its neighbours", () => {
    const good = frameOf({ op: "unsubscribe", channel: "a" });
    expect(parseClientMessages(`${good}\n{\n${good}`).map(({ ok }) => ok)).toEqual([true, false, true]);
  });

  it.each(["{", "nonsense", "[]", "null", "1", '"subscribe"', "{}", '{"op":"fly"}', '{"op":["subscribe"]}'])(
    "answers %s with invalid_message",
    (frame) => {
      expect(refusal(frame)).toEqual(["invalid_message", undefined]);
    },
  );

  it("names the ref of a message with an unknown op, or without a channel", () => {
    expect(refusal({ op: "token", ref: 3, token: "x" })).toEqual(["invalid_message", 3]);
    expect(refusal({ op: "toString", ref: 3, channel: "c" })).toEqual(["invalid_message", 3]);
    expect(refusal({ op: "subscribe", ref: 3 })).toEqual(["invalid_message", 3]);
    expect(refusal({ op: "subscribe", ref: 3, channel: 1 })).toEqual(["invalid_message", 3]);
    expect(refusal({ op: "subscribe", ref: 3, channel: "c", from: 1 })).toEqual(["invalid_message", 3]);
  });

  it.each(["null", "true", "[1]", "{}", "1e999"])("refuses the ref %s", (ref) => {
    expect(refusal(`{"op":"unsubscribe","channel":"c","ref":${ref}}`)).toEqual(["invalid_message", undefined]);
  });

  it("throws for nothing that a client can send", () => {
    const part = fc.constantFrom(
      '{"op":"publish","channel":"c","data":',
      "{",
      "}",
      '"',
      "\\",
      "[",
      "]",
      ":",
      ",",
      "\n",
      "1",
    );
    const text = fc.array(fc.oneof(part, fc.string({ maxLength: 3 }))).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.json()), (frame) => {
        for (const result of parseClientMessages(frame)) expect(typeof result.ok).toBe("boolean");
      }),
    );
  });
});

describe("the answers to a ref", () => {
  it("are an $ack with an id or a cursor", () => {
    expect(encodeAck({ ref: 1, id: "x:1" })).toBe('{"type":"$ack","ref":1,"id":"x:1"}');
    expect(encodeAck({ ref: "a", cursor: "x:1" })).toBe('{"type":"$ack","ref":"a","cursor":"x:1"}');
  });

  it("or an $error, without a ref where there was none", () => {
    expect(encodeError({ ref: 1, code: "invalid_channel", detail: 'no "such"\nname' })).toBe(
      '{"type":"$error","ref":1,"code":"invalid_channel","detail":"no \\"such\\"\\nname"}',
    );
    expect(encodeError({ ref: undefined, code: "internal", detail: "x" })).toBe(
      '{"type":"$error","code":"internal","detail":"x"}',
    );
  });
});
