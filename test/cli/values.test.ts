import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { basePath, host, serverUrl, wholeNumber, yesOrNo } from "../../src/cli/values.ts";

describe("a whole number", () => {
  it("is taken within its limits", () => {
    expect(wholeNumber(0, 65_535)("0")).toBe(0);
    expect(wholeNumber(0, 65_535)("65535")).toBe(65_535);
    expect(wholeNumber(1)("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each(["", " ", "65536", "-1", "1.5", "1e3", "0x10", "abc", "12 ", "٣"])("is not %j", (text) => {
    expect(() => wholeNumber(0, 65_535)(text)).toThrow(InvalidArgumentError);
  });

  it("is not beyond what a number can hold", () => {
    expect(() => wholeNumber(1)("9007199254740992")).toThrow(InvalidArgumentError);
  });
});

describe("a base path", () => {
  it.each([
    ["/", "/"],
    ["", "/"],
    ["push", "/push/"],
    ["/push", "/push/"],
    ["//a//b/", "/a/b/"],
  ])("%j becomes %j", (text, base) => expect(basePath(text)).toBe(base));

  it.each(["/a b", "/ä", "/a?b", "/a#b", "/a/../b", "."])("is not %j", (text) => {
    expect(() => basePath(text)).toThrow(InvalidArgumentError);
  });
});

describe("a server's URL", () => {
  it.each([
    ["http://127.0.0.1:7070", "http://127.0.0.1:7070"],
    ["http://127.0.0.1:7070/", "http://127.0.0.1:7070"],
    ["https://example.com/push//", "https://example.com/push"],
    ["http://[::1]:7070/", "http://[::1]:7070"],
  ])("%s becomes %s", (text, url) => expect(serverUrl(text)).toBe(url));

  it.each(["127.0.0.1:7070", "localhost", "ftp://a", "http://", "http://u:p@a/", "http://a/?x", "http://a/#x", ""])(
    "is not %j",
    (text) => expect(() => serverUrl(text)).toThrow(InvalidArgumentError),
  );
});

describe("a host", () => {
  it.each(["127.0.0.1", "::1", "fe80::1%eth0", "localhost", "a.b-c.example"])("is %s", (text) => {
    expect(host(text)).toBe(text);
  });

  it.each(["", "a b", "http://a", "[::1]", "a/b"])("is not %j", (text) => {
    expect(() => host(text)).toThrow(InvalidArgumentError);
  });
});

describe("yes or no", () => {
  it.each(["1", "true", "YES", "on"])("%s is yes", (text) => expect(yesOrNo(text)).toBe(true));
  it.each(["0", "False", "no", "off"])("%s is no", (text) => expect(yesOrNo(text)).toBe(false));
  it.each(["", "2", "maybe", "constructor"])("%j is neither", (text) => expect(yesOrNo(text)).toBeUndefined());
});
