import { describe, expect, it } from "vitest";
import { MAX_NAMES, parseChannelName, parseChannelNames } from "../../src/core/channel-name.ts";

const refused = expect.objectContaining({ name: "TailwireError", code: "invalid_channel" });
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

describe("parseChannelName", () => {
  it.each(["a", "Z9", "user:42", "a.b-c_d~e@f", "__proto__", "x".repeat(128)])("takes %s", (name) => {
    expect(parseChannelName(name)).toBe(name);
  });

  it.each(["", " ", "a b", "a/b", "a,b", "a=b", "é", "a\n", "a\0", "%61", "x".repeat(129), "$system", "a$"])(
    "refuses %j",
    (name) => {
      expect(() => parseChannelName(name)).toThrow(refused);
    },
  );

  it("says that $ is the system's, and shows no more than the beginning of a long name", () => {
    expect(() => parseChannelName("$x")).toThrow("belong to the system");
    expect(() => parseChannelName(" ".repeat(5000))).toThrow(/^.{1,250}$/);
  });
});

describe("parseChannelNames", () => {
  it("takes 1 to 64 names, in their order", () => {
    expect(parseChannelNames(["b", "a"])).toEqual(["b", "a"]);
    expect(parseChannelNames(names(MAX_NAMES))).toHaveLength(64);
  });

  it("refuses none, too many, one twice and one that is no name", () => {
    for (const list of [[], names(MAX_NAMES + 1), ["a", "b", "a"], ["a", ""]]) {
      expect(() => parseChannelNames(list)).toThrow(refused);
    }
  });
});
