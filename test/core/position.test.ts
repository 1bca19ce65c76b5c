import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPosition, parsePosition, samePosition } from "../../src/core/position.ts";

const epoch = fc.stringMatching(/^[A-Za-z0-9]{1,32}$/);
const position = fc.record({ epoch, offset: fc.maxSafeNat() });

describe("a position", () => {
  it("is written epoch:offset", () => {
    expect(formatPosition({ epoch: "x7f3k2", offset: 42 })).toBe("x7f3k2:42");
  });

  it("comes back from its text", () => {
    fc.assert(
      fc.property(position, (position) => {
        expect(parsePosition(formatPosition(position))).toEqual(position);
      }),
    );
  });

  it("has one text only", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0:]{0,3}:[-+. 0-9e]{0,17}$/)), (text) => {
        const position = parsePosition(text);
        if (position !== undefined) expect(formatPosition(position)).toBe(text);
      }),
    );
  });

  it.each([
    "",
    ":",
    "x",
    "x:",
    ":1",
    "x:-1",
    "x:01",
    "x:1.0",
    "x:1e3",
    "x: 1",
    " x:1",
    "x:1\n",
    "x:1:2",
    "x_y:1",
    "é:1",
    `${"x".repeat(33)}:1`,
    "x:9007199254740992",
    "x:99999999999999999",
  ])("is not %j", (text) => {
    expect(parsePosition(text)).toBeUndefined();
  });

  it("is the same only with the same epoch and offset", () => {
    expect(samePosition({ epoch: "x", offset: 1 }, { epoch: "x", offset: 1 })).toBe(true);
    expect(samePosition({ epoch: "x", offset: 1 }, { epoch: "x", offset: 2 })).toBe(false);
    expect(samePosition({ epoch: "x", offset: 1 }, { epoch: "X", offset: 1 })).toBe(false);
  });
});
