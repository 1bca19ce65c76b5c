import { randomBytes } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deflater } from "../../src/server/transport/deflater.ts";

const MIB = 1024 * 1024;
const { Z_SYNC_FLUSH } = constants;
const inflate = (bytes: Uint8Array, windowBits = 15) =>
  inflateRawSync(bytes, { windowBits, finishFlush: Z_SYNC_FLUSH });

describe("a deflater", () => {
  it("gives what inflates to the text, for each window", () => {
    const text = fc.string({ minLength: 1, maxLength: 100 }).map((part) => Buffer.from(part.repeat(600)));
    fc.assert(
      fc.property(text, fc.integer({ min: 9, max: 15 }), (bytes, windowBits) => {
        const deflated = new Deflater(windowBits).deflate(bytes);
        expect(deflated && inflate(deflated, windowBits).equals(bytes)).toBe(true);
      }),
    );
  });

  it("keeps to its window: nothing refers further back", () => {
    const once = randomBytes(600).toString("base64");
    const text = Buffer.from(once + once);
    expect(new Deflater(15).deflate(text)?.length).toBeLessThan(800);
    expect(new Deflater(9).deflate(text)?.length).toBeGreaterThan(1000);
  });

  it("ends with a sync flush", () => {
    expect(new Deflater().deflate(Buffer.alloc(1000, "x"))?.subarray(-4)).toEqual(Buffer.from([0, 0, 255, 255]));
  });

  it("makes the same of the same, whatever it was given before", () => {
    const text = Buffer.from("a text ".repeat(100));
    const used = new Deflater();
    used.deflate(text);
    expect(used.deflate(text)).toEqual(new Deflater().deflate(text));
  });

  it("leaves alone what is short, and what would not get shorter", () => {
    expect(new Deflater().deflate(Buffer.alloc(511, "x"))).toBeUndefined();
    expect(new Deflater().deflate(Buffer.alloc(512, "x"))).toBeInstanceOf(Buffer);
    expect(new Deflater().deflate(randomBytes(1000))).toBeUndefined();
  });

  it("does not block for long: past a mebibyte a text goes as it is", () => {
    expect(new Deflater().deflate(Buffer.alloc(MIB - 4096, "x"))).toBeInstanceOf(Buffer);
    expect(new Deflater().deflate(Buffer.alloc(MIB, "x"))).toBeUndefined();
  });

  it("nor for many short texts of one frame", () => {
    const deflater = new Deflater();
    const made = Array.from({ length: 1000 }, () => deflater.deflate(Buffer.alloc(600, "x")));
    const count = made.filter((deflated) => deflated !== undefined).length;
    expect(count).toBeGreaterThan(200);
    expect(count).toBeLessThan(300);
  });
});
