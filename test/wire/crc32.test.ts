import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendChecksum, checksumOf, crc32 } from "../../src/wire/crc32.ts";
import { utf8 } from "./split.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

describe("crc32", () => {
  it("is the one of the RFC: its check value", () => {
    expect(crc32(utf8("123456789")) >>> 0).toBe(0xcbf43926);
  });

  it("is 0 of nothing", () => {
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  it("is that of zlib", () => {
    fc.assert(
      fc.property(bytes, (text) => {
        expect(crc32(text)).toBe(gzipSync(text).readInt32LE(gzipSync(text).length - 8));
      }),
    );
  });
});

describe("appendChecksum", () => {
  it("gives the checksum of the whole from those of its parts", () => {
    fc.assert(
      fc.property(fc.array(bytes), (parts) => {
        const crc = parts.map(checksumOf).reduce(appendChecksum, 0);
        expect(crc).toBe(crc32(Buffer.concat(parts)));
      }),
    );
  });

  it("holds for parts of any length", () => {
    const parts = [65_535, 65_536, 1, 4 * 1024 * 1024, 0, 1_000_003].map((length) =>
      new Uint8Array(length).fill(length),
    );
    expect(parts.map(checksumOf).reduce(appendChecksum, 0)).toBe(crc32(Buffer.concat(parts)));
  });

  it("counts bytes", () => {
    expect(checksumOf(utf8("grün")).bytes).toBe(5);
  });
});
