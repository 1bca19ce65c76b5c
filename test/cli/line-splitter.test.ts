import { describe, expect, it } from "vitest";
import { LineSplitter } from "../../src/cli/line-splitter.ts";

const INPUT = Buffer.concat([
  Buffer.from("\ufeffone\r\n\ntwo \r three\n  é😀\n\r\n"),
  Buffer.from([0x62, 0xff, 0xc3, 0x0a]),
  Buffer.from("last\r"),
]);
const LINES = ["one", "", "two \r three", "  é😀", "", "b\ufffd\ufffd", "last\r"];

describe("lines", () => {
  it("are cut at LF and CRLF, with blank ones, the unfinished last one, and bad UTF-8 replaced", () => {
    expect(linesOf([INPUT])).toEqual(LINES);
  });

  it("are the same wherever the input is cut", () => {
    for (let at = 0; at <= INPUT.length; at += 1) {
      expect(linesOf([INPUT.subarray(0, at), INPUT.subarray(at)])).toEqual(LINES);
    }
    expect(linesOf([...INPUT].map((byte) => Buffer.of(byte)))).toEqual(LINES);
  });

  it("do not have one more after a last LF, nor one in nothing", () => {
    expect(linesOf([Buffer.from("a\n")])).toEqual(["a"]);
    expect(linesOf([])).toEqual([]);
  });

  it("are given as soon as they end", () => {
    const splitter = new LineSplitter(100);
    expect(splitter.push(Buffer.from("a\nb"))).toEqual(["a"]);
    expect(splitter.push(Buffer.from("c\n"))).toEqual(["bc"]);
  });

  it("can become too long to be held", () => {
    const splitter = new LineSplitter(4);
    splitter.push(Buffer.from("1234"));
    expect(splitter.tooLong).toBe(false);
    splitter.push(Buffer.from("5"));
    expect(splitter.tooLong).toBe(true);
  });
});

function linesOf(chunks: readonly Uint8Array[]): readonly string[] {
  const splitter = new LineSplitter(1000);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}
