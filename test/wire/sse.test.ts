import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSseParser, encodeSse, encodeSseComment, type SseEvent } from "../../src/wire/sse.ts";
import { everySplit, utf8 } from "./split.ts";

interface Reading {
  readonly events: SseEvent[];
  readonly retries: number[];
  readonly comments: string[];
  readonly lastEventId: string;
}

function readChunks(chunks: readonly (Uint8Array | string)[], lastEventId?: string): Reading {
  const events: SseEvent[] = [];
  const retries: number[] = [];
  const comments: string[] = [];
  const parser = createSseParser({
    onEvent: (event) => events.push(event),
    onRetry: (ms) => retries.push(ms),
    onComment: (text) => comments.push(text),
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });
  for (const chunk of chunks) parser.push(chunk);
  return { events, retries, comments, lastEventId: parser.lastEventId };
}

/** Reads a stream whole, and checks that it reads the same wherever it is cut, as bytes and as text. */
function read(stream: string | Uint8Array): Reading {
  const bytes = typeof stream === "string" ? utf8(stream) : stream;
  const whole = readChunks([bytes]);
  for (const chunks of everySplit(bytes)) expect(readChunks(chunks)).toEqual(whole);
  if (typeof stream === "string") expect(readChunks(stream.split(""))).toEqual(whole);
  return whole;
}

const dataOf = (stream: string | Uint8Array): string[] => read(stream).events.map((event) => event.data);

describe("encodeSse", () => {
  it("writes retry and event first, then the data, and the id last", () => {
    expect(encodeSse({ id: "x:1", data: "hello", type: "greeting", retry: 2000 })).toBe(
      "retry: 2000\nevent: greeting\ndata: hello\nid: x:1\n\n",
    );
  });

  it("leaves out the type message and everything undefined", () => {
    expect(encodeSse({ type: "message", data: "x", id: undefined, retry: undefined })).toBe("data: x\n\n");
  });

  it("writes empty data as a line, and no data as none", () => {
    expect(encodeSse({ data: "" })).toBe("data: \n\n");
    expect(encodeSse({ id: "x:1" })).toBe("id: x:1\n\n");
  });

  it.each(["\n", "\r\n", "\r"])("begins a new data line at %j", (end) => {
    expect(encodeSse({ data: `a${end}b${end}` })).toBe("data: a\ndata: b\ndata: \n\n");
  });

  it("gives each of two line breaks its line", () => {
    expect(encodeSse({ data: "a\n\rb" })).toBe("data: a\ndata: \ndata: b\n\n");
  });

  it("writes a comment as an event that no client sees", () => {
    expect(encodeSseComment("hi")).toBe(": hi\n\n");
    expect(encodeSseComment("a\r\nevent: b")).toBe(": a\n: event: b\n\n");
  });
});

describe("what one end writes, the other reads", () => {
  const piece = fc.constantFrom(
    "\n",
    "\r",
    "\r\n",
    "",
    " ",
    "  x",
    ":",
    "data: x",
    "id:",
    "😀",
    "é",
    "\0",
    "\ufeff",
    "\u2028",
  );
  const data = fc
    .array(fc.oneof(piece, fc.string({ unit: "grapheme" })), { maxLength: 8 })
    .map((parts) => parts.join(""));
  const line = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => !/[\r\n\0]/.test(text));
  const output = fc.record({ type: line, data, id: line });

  it("holds for any data, type and id, with line breaks arriving as LF", () => {
    fc.assert(
      fc.property(fc.array(output, { maxLength: 4 }), fc.integer({ min: 1, max: 9 }), (outputs, size) => {
        const bytes = utf8(outputs.map(encodeSse).join(""));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        );
        const sent = outputs.map(({ type, data, id }) => ({
          type,
          data: data.replaceAll("\r\n", "\n").replaceAll("\r", "\n"),
          lastEventId: id,
        }));
        expect(readChunks(chunks).events).toEqual(sent);
      }),
    );
  });

  it.each([
    "x\nid: forged\n\ndata: forged",
    "x\rdata: forged\r\revent: forged",
    "x\r\n\r\nretry: 1\r\n\r\n",
    "\n\n\n: forged",
    "x\u2028data: forged\u0085\u000b\u000cdata: forged",
  ])("lets nothing in the data pass for a line of its own: %j", (forged) => {
    const { events, retries, comments } = read(encodeSse({ data: forged, id: "x:1" }));
    expect(events).toEqual([{ type: "message", data: forged.replaceAll(/\r\n?/g, "\n"), lastEventId: "x:1" }]);
    expect([...retries, ...comments]).toEqual([]);
  });
});

describe("the examples of WHATWG HTML 9.2.6", () => {
  it("joins the lines of YHOO", () => {
    expect(dataOf("data: YHOO\ndata: +2\ndata: 10\n\n")).toEqual(["YHOO\n+2\n10"]);
  });

  it("reads four blocks: a comment, an event with an id, one that empties it, one with a space in front", () => {
    const reading = read(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
    );
    expect(reading.events).toEqual([
      { type: "message", data: "first event", lastEventId: "1" },
      { type: "message", data: "second event", lastEventId: "" },
      { type: "message", data: " third event", lastEventId: "" },
    ]);
    expect(reading.comments).toEqual(["test stream"]);
  });

  it("fires two events for empty data, and none for a block without its blank line", () => {
    expect(dataOf("data\n\ndata\ndata\n\ndata:")).toEqual(["", "\n"]);
  });

  it("reads data the same with and without a space after the colon", () => {
    expect(dataOf("data:test\n\ndata: test\n\n")).toEqual(["test", "test"]);
  });

  it("reads the named events of 9.2.1", () => {
    const stream = "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n";
    expect(read(stream).events.map(({ type, data }) => [type, data])).toEqual([
      ["add", "73857293"],
      ["remove", "2153"],
      ["add", "113411"],
    ]);
  });
});

describe("createSseParser", () => {
  it("ends lines at LF, CR and CRLF, mixed", () => {
    expect(dataOf("data: a\ndata: b\rdata: c\r\ndata: d\n\r\ndata: e\r\r")).toEqual(["a\nb\nc\nd", "e"]);
  });

  it("tells of an event as soon as its CR is there, and swallows the LF that follows", () => {
    const data: string[] = [];
    const parser = createSseParser({ onEvent: (event) => data.push(event.data) });
    parser.push("data: a\r\n\r");
    expect(data).toEqual(["a"]);
    parser.push("");
    parser.push("\ndata: b\r");
    parser.push("\n");
    parser.push("\n");
    expect(data).toEqual(["a", "b"]);
  });

  it("passes over one byte order mark, at the very beginning only", () => {
    expect(dataOf("\ufeffdata: a\n\n")).toEqual(["a"]);
    expect(dataOf("\ufeff\ufeffdata: a\n\ndata: b\n\n")).toEqual(["b"]);
    expect(dataOf("data: \ufeffa\n\n\ufeffdata: b\n\n")).toEqual(["\ufeffa"]);
    expect(dataOf("\ufeff\ndata: a\n\n")).toEqual(["a"]);
  });

  it("drops one space after the colon, and no other white space", () => {
    expect(dataOf("data:  a \ndata:\tb\n\n")).toEqual([" a \n\tb"]);
  });

  it("keeps the colons of a value", () => {
    expect(dataOf("data: a: b:c\ndata::\n\n")).toEqual(["a: b:c\n:"]);
  });

  it("passes over fields that it does not know, and names that are only alike", () => {
    expect(read("Data: a\n data: b\ndata : c\nfoo: d\ndatax\nID: 1\nevent : e\n\n").events).toEqual([]);
  });

  it("fires nothing without data, and forgets the type", () => {
    expect(read("event: a\n\ndata: b\n\n").events).toEqual([{ type: "message", data: "b", lastEventId: "" }]);
  });

  it("takes an empty type for message, and the last of two types", () => {
    expect(read("event: a\nevent\ndata: x\n\nevent: a\nevent: b\ndata: y\n\n").events.map(({ type }) => type)).toEqual([
      "message",
      "b",
    ]);
  });

  it("keeps the last id over the events that follow", () => {
    const ids = read("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n").events.map(({ lastEventId }) => lastEventId);
    expect(ids).toEqual(["1", "1", ""]);
  });

  it("ignores an id that holds NUL", () => {
    expect(read("id: 1\nid: 2\0\ndata: a\n\n").events[0]?.lastEventId).toBe("1");
  });

  it("keeps NUL in data", () => {
    expect(dataOf("data: a\0b\n\n")).toEqual(["a\0b"]);
  });

  it("has the id of a block without data, but not that of a block that was cut off", () => {
    expect(read("id: 1\n\n").lastEventId).toBe("1");
    expect(read("id: 1\n\nid: 2\ndata: a\n").lastEventId).toBe("1");
  });

  it("goes on from the id that it is given", () => {
    expect(readChunks(["data: a\n\n"], "7").events[0]?.lastEventId).toBe("7");
    expect(readChunks([], "7").lastEventId).toBe("7");
  });

  it("takes a retry of ASCII digits only", () => {
    expect(
      read("retry: 10\nretry:007\nretry\nretry: -1\nretry: 1.5\nretry: 1e3\nretry: 1 \nretry: ٣\n").retries,
    ).toEqual([10, 7]);
  });

  it("tells of comments, with one space dropped", () => {
    expect(read(":a\n: b\n:  c\n:\n").comments).toEqual(["a", "b", " c", ""]);
  });

  it("drops an event that the end of the stream cut off", () => {
    expect(dataOf("data: a\n\ndata: b\n")).toEqual(["a"]);
    expect(dataOf("data: a\n\ndata: b")).toEqual(["a"]);
  });

  it("reads UTF-8 cut anywhere, and puts U+FFFD for bytes that are not", () => {
    expect(dataOf("data: é€😀\n\n")).toEqual(["é€😀"]);
    const bad = Uint8Array.from([...utf8("data: "), 0xff, 0xe2, 0x82, ...utf8("a\n\n")]);
    expect(dataOf(bad)).toEqual(["\ufffd\ufffda"]);
  });

  it("needs no listener for retries and comments", () => {
    const data: string[] = [];
    createSseParser({ onEvent: (event) => data.push(event.data) }).push("retry: 1\n: c\ndata: a\n\n");
    expect(data).toEqual(["a"]);
  });
});
