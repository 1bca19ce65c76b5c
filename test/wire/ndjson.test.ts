import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TailwireError } from "../../src/core/errors.ts";
import { isBlank, LineReader } from "../../src/wire/ndjson.ts";
import { everySplit, utf8 } from "./split.ts";

interface Reading {
  /** Each line with its number. */
  readonly lines: [number, string][];
  readonly fault?: { readonly code: string; readonly line: number };
}

function readChunks(chunks: readonly Uint8Array[], maxLineBytes: number): Reading {
  const reader = new LineReader(maxLineBytes);
  const lines: [number, string][] = [];
  try {
    for (const chunk of chunks) for (const line of reader.push(chunk)) lines.push([reader.line, line]);
    for (const line of reader.end()) lines.push([reader.line, line]);
    return { lines };
  } catch (error) {
    if (!(error instanceof TailwireError)) throw error;
    expect(error.message).toContain(`line ${reader.line} `);
    return { lines, fault: { code: error.code, line: reader.line } };
  }
}

/** Reads a stream whole, and checks that it reads the same wherever it is cut. */
function read(stream: string | Uint8Array, maxLineBytes = 1000): Reading {
  const bytes = typeof stream === "string" ? utf8(stream) : stream;
  const whole = readChunks([bytes], maxLineBytes);
  for (const chunks of everySplit(bytes)) expect(readChunks(chunks, maxLineBytes)).toEqual(whole);
  return whole;
}

const join = (...parts: (string | number)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...utf8(part)])));

describe("LineReader", () => {
  it("ends lines at LF and CRLF", () => {
    expect(read("a\nb\r\nc\n").lines).toEqual([
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ]);
  });

  it("gives the last line where nothing ended it", () => {
    expect(read("a\nb").lines).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
  });

  it("gives nothing for nothing", () => {
    expect(read("")).toEqual({ lines: [] });
  });

  it("passes over blank lines, and counts them", () => {
    expect(read("\n \t\na\n\r\n\nb\n  ").lines).toEqual([
      [3, "a"],
      [6, "b"],
    ]);
  });

  it("leaves a lone CR and white space where they are", () => {
    expect(read(" a\rb \r\r\n\u00a0\n").lines).toEqual([
      [1, " a\rb \r"],
      [2, "\u00a0"],
    ]);
  });

  it("passes over a byte order mark at the beginning, and nowhere else", () => {
    expect(read("\ufeffa\n\ufeffb\n").lines).toEqual([
      [1, "a"],
      [2, "\ufeffb"],
    ]);
    expect(read("\ufeff\na\n").lines).toEqual([[2, "a"]]);
  });

  it("decodes UTF-8 cut anywhere", () => {
    expect(read("é€😀\n😀\n").lines).toEqual([
      [1, "é€😀"],
      [2, "😀"],
    ]);
  });

  it("refuses bad UTF-8 after the lines before it", () => {
    expect(read(join("a\n\nb", 0xff, "\nc\n"))).toEqual({
      lines: [[1, "a"]],
      fault: { code: "invalid_data", line: 3 },
    });
  });

  it("refuses a character that a line break cuts in two, and one that the end does", () => {
    expect(read(join("a\n", 0xe2, 0x82, "\n")).fault).toEqual({ code: "invalid_data", line: 2 });
    expect(read(join("a\n", 0xe2, 0x82))).toEqual({ lines: [[1, "a"]], fault: { code: "invalid_data", line: 2 } });
  });

  it("takes a line of exactly the limit, however it ends", () => {
    const line = "x".repeat(8);
    expect(read(`${line}\n${line}\r\n${line}`, 8).lines.map(([, text]) => text)).toEqual([line, line, line]);
    expect(read(`${line}\r`, 8).lines).toEqual([[1, line]]);
  });

  it("refuses a longer one, after the lines before it", () => {
    expect(read(`a\n${"x".repeat(9)}\nb\n`, 8)).toEqual({
      lines: [[1, "a"]],
      fault: { code: "event_too_large", line: 2 },
    });
    expect(read(`a\n${"x".repeat(9)}`, 8).fault).toEqual({ code: "event_too_large", line: 2 });
  });

  it("counts bytes, not characters", () => {
    expect(read("ééé\n", 6).lines).toEqual([[1, "ééé"]]);
    expect(read("ééé\n", 5).fault?.code).toBe("event_too_large");
  });

  it("refuses a long line before it is there whole", () => {
    const reader = new LineReader(8);
    expect([...reader.push(utf8("12345"))]).toEqual([]);
    expect(() => [...reader.push(utf8("67890"))]).toThrow(expect.objectContaining({ code: "event_too_large" }));
  });

  it("takes blank lines of the limit, and refuses longer ones", () => {
    expect(read(`${" ".repeat(8)}\na\n`, 8).lines).toEqual([[2, "a"]]);
    expect(read(`${" ".repeat(9)}\na\n`, 8).fault?.code).toBe("event_too_large");
  });

  it("keeps nothing of a chunk that its owner writes over", () => {
    const reader = new LineReader(8);
    const chunk = utf8("ab");
    expect([...reader.push(chunk)]).toEqual([]);
    chunk.fill(0);
    expect([...reader.push(utf8("c\n"))]).toEqual(["abc"]);
  });

  it("reads any text as splitting it would, in chunks of any size and under any limit", () => {
    const text = fc
      .array(fc.oneof(fc.constantFrom("\n", "\r\n", "\r", " "), fc.string({ unit: "grapheme", maxLength: 6 })))
      .map((parts) => parts.join(""))
      .filter((text) => !text.startsWith("\ufeff"));
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 4, max: 60 }),
        (text, size, maxLineBytes) => {
          const bytes = utf8(text);
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
            bytes.subarray(at * size, (at + 1) * size),
          );
          const { lines, fault } = readChunks(chunks, maxLineBytes);
          // Through UTF-8 and back, for lone surrogates.
          const expected = new TextDecoder()
            .decode(bytes)
            .split("\n")
            .map((line) => line.replace(/\r$/, ""));
          const long = expected.findIndex((line) => utf8(line).length > maxLineBytes);
          expect(fault?.line).toBe(long < 0 ? undefined : long + 1);
          const kept = (long < 0 ? expected : expected.slice(0, long))
            .map((line, index): [number, string] => [index + 1, line])
            .filter(([, line]) => !isBlank(line));
          expect(lines).toEqual(kept);
        },
      ),
      { numRuns: 500 },
    );
  });
});
