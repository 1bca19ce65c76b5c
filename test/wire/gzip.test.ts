import { constants, deflateRawSync, gunzipSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/wire/crc32.ts";
import { GZIP_HEAD, gzipEnd, storedBlocks } from "../../src/wire/gzip.ts";
import { utf8 } from "./split.ts";

const { Z_SYNC_FLUSH } = constants;
const flushed = (bytes: Uint8Array) => deflateRawSync(bytes, { finishFlush: Z_SYNC_FLUSH });

describe("storedBlocks", () => {
  it("puts one head in front of a short text", () => {
    expect([...storedBlocks(utf8("hi"))]).toEqual([0, 2, 0, 0xfd, 0xff, 0x68, 0x69]);
  });

  it("is an empty block of nothing, as a sync flush is", () => {
    expect([...storedBlocks(new Uint8Array(0))]).toEqual([0, 0, 0, 0xff, 0xff]);
  });

  it.each([65_534, 65_535, 65_536, 131_070, 131_071, 300_000])("is whole blocks of %d bytes", (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => at % 251);
    const piece = storedBlocks(bytes);
    expect(piece.length).toBe(length + 5 * Math.ceil(length / 65_535));
    expect(inflateRawSync(piece, { finishFlush: Z_SYNC_FLUSH }).equals(bytes)).toBe(true);
  });
});

describe("a gzip of pieces", () => {
  it("is, of one short text, byte by byte what the RFCs say", () => {
    const text = utf8("hi");
    const whole = Buffer.concat([GZIP_HEAD, storedBlocks(text), gzipEnd(crc32(text), 2)]);
    expect(whole.toString("hex")).toBe("1f8b08000000000000ff000200fdff68690300ac2a93d802000000");
  });

  it("may be empty", () => {
    expect(gunzipSync(Buffer.concat([GZIP_HEAD, gzipEnd(0, 0)])).length).toBe(0);
  });

  it("is what was put into it, whichever of its pieces are compressed", () => {
    const piece = fc.record({ bytes: fc.uint8Array({ maxLength: 200 }), compressed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = Buffer.concat(pieces.map(({ bytes }) => bytes));
        const body = pieces.map(({ bytes, compressed }) => (compressed ? flushed(bytes) : storedBlocks(bytes)));
        const whole = Buffer.concat([GZIP_HEAD, ...body, gzipEnd(crc32(text), text.length)]);
        expect(gunzipSync(whole).equals(text)).toBe(true);
      }),
    );
  });

  it("counts its bytes modulo 2^32", () => {
    expect([...gzipEnd(-1, 2 ** 32 + 258)].slice(2)).toEqual([255, 255, 255, 255, 2, 1, 0, 0]);
  });
});
