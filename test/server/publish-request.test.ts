import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPublish, isSame, type PublishRequest, publishRequest } from "../../src/server/publish-request.ts";

type Fields = Readonly<Record<string, string>>;

/** A request as node:http reads it. */
function head(fields: Fields = {}, { url = "/channels/news?type=t", method = "POST", httpVersion = "1.1" } = {}) {
  const entries = Object.entries({ Host: "test", "Content-Length": "5", ...fields });
  const headers = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
  return { method, url, httpVersion, headers, rawHeaders: entries.flat() };
}

function bytes(body: string, fields: Fields = {}, url = "/channels/news?type=t"): Buffer {
  const length = String(Buffer.byteLength(body));
  const lines = Object.entries({ Host: "test", "Content-Length": length, ...fields });
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`POST ${url} HTTP/1.1\r\n${text}\r\n`, "latin1"), Buffer.from(body)]);
}

const REQUEST = publishRequest(head()) as PublishRequest;
const JSON_TYPE = { "Content-Type": "application/json" };
const MAX_BYTES = 1000;

/** The bodies of all requests in the bytes, and what stands behind them. */
function readAll(input: Buffer): { bodies: string[]; last: string } {
  const bodies: string[] = [];
  for (let at = 0; at < input.length; ) {
    const found = findPublish(REQUEST, input, at, MAX_BYTES);
    if (found.kind !== "whole") return { bodies, last: found.kind };
    bodies.push(found.body.toString());
    at = found.end;
  }
  return { bodies, last: "whole" };
}

describe("a publish's bytes", () => {
  it("are the same but for length and body, one after the other", () => {
    const input = Buffer.concat(
      ["", "hello", "x".repeat(MAX_BYTES), "ä\r\n\r\nPOST / HTTP/1.1"].map((body) => bytes(body)),
    );
    expect(readAll(input)).toEqual({
      bodies: ["", "hello", "x".repeat(MAX_BYTES), "ä\r\n\r\nPOST / HTTP/1.1"],
      last: "whole",
    });
  });

  it("are the same wherever the length stands", () => {
    const request = publishRequest(head(JSON_TYPE)) as PublishRequest;
    expect(findPublish(request, bytes("[1]", JSON_TYPE), 0, MAX_BYTES)).toMatchObject({ kind: "whole" });
  });

  it("are the same but for the channel's name, which is not checked here", () => {
    for (const name of ["n", "n".repeat(128), "a,b", "a/b", "%41", "$x", "\r\n"])
      expect(findPublish(REQUEST, bytes("x", {}, `/channels/${name}?type=t`), 0, MAX_BYTES)).toMatchObject({ name });
  });

  it("are the same under a path, and without a query", () => {
    const url = "/a/channels/channels/news";
    const request = publishRequest(head({}, { url })) as PublishRequest;
    expect(findPublish(request, bytes("x", {}, "/a/channels/channels/b"), 0, MAX_BYTES)).toMatchObject({ name: "b" });
    expect(findPublish(request, bytes("x", {}, "/a/channels/b"), 0, MAX_BYTES)).toEqual({ kind: "other" });
  });

  it("cut anywhere are a part, and never miss more than they do", () => {
    const whole = bytes("hello, world");
    for (let length = 1; length < whole.length; length += 1) {
      const found = findPublish(REQUEST, whole.subarray(0, length), 0, MAX_BYTES);
      if (found.kind !== "part") throw new Error(`cut after ${length}: ${found.kind}`);
      expect(found.missing).toBeGreaterThan(0);
      expect(found.missing).toBeLessThanOrEqual(whole.length - length);
    }
  });

  it("know what a body misses", () => {
    expect(findPublish(REQUEST, bytes("hello").subarray(0, -3), 0, MAX_BYTES)).toEqual({ kind: "part", missing: 3 });
  });

  it.each([
    ["another path", bytes("x", {}, "/channel/news?type=t")],
    ["no name", bytes("x", {}, "/channels/?type=t")],
    ["no query", bytes("x", {}, "/channels/news")],
    ["a name longer than any", bytes("x", {}, `/channels/${"n".repeat(129)}?type=t`)],
    ["a name that is not checked to its end", bytes("x", {}, `/channels/${"n".repeat(5000)}`).subarray(0, 2000)],
    ["another type", bytes("x", {}, "/channels/news?type=u")],
    ["one header more", bytes("x", { "X-More": "1" })],
    ["another host", bytes("x", { Host: "else" })],
    ["an idempotency key", bytes("x", { "Idempotency-Key": "1" })],
    ["a length that is none", bytes("x", { "Content-Length": "+1" })],
    ["no digits", bytes("x", { "Content-Length": "" })],
    ["two lengths", bytes("x", { "Content-Length": "1, 1" })],
    ["a length in hexadecimal", bytes("x", { "Content-Length": "0x1" })],
    ["too many digits", bytes("x", { "Content-Length": "0000000001" })],
    ["a body over the limit", bytes("x".repeat(MAX_BYTES + 1))],
    ["bare LF", Buffer.from(bytes("x").toString().replaceAll("\r\n", "\n"))],
  ])("differ in %s", (_, other) => {
    expect(findPublish(REQUEST, other, 0, MAX_BYTES)).toEqual({ kind: "other" });
  });

  it.each([
    ["of another method", head({}, { method: "PUT" })],
    ["of HTTP/1.0", head({}, { httpVersion: "1.0" })],
    ["in chunks", head({ "Transfer-Encoding": "chunked" })],
    ["that ends its connection", head({ Connection: "close" })],
    ["that expects", head({ Expect: "100-continue" })],
    ["that upgrades", head({ Upgrade: "h2c" })],
    ["with an idempotency key", head({ "Idempotency-Key": "1" })],
    ["without a length", { ...head(), rawHeaders: ["Host", "test"] }],
    [
      "whose URL has the look of a length",
      { ...head({}, { url: "/channels/a\r\ncontent-length: 5" }), rawHeaders: [] },
    ],
    ["of another route", head({}, { url: "/healthz" })],
  ])("are not repeated of one %s", (_, first) => {
    expect(publishRequest(first)).toBeUndefined();
  });

  it("are those of one head", () => {
    const again = publishRequest(head({ "Content-Length": "17" })) as PublishRequest;
    expect(isSame(REQUEST, again)).toBe(true);
    expect(isSame(REQUEST, publishRequest(head(JSON_TYPE)) as PublishRequest)).toBe(false);
  });

  it("never mean another request: whatever is taken is the first one with another length and name", () => {
    const usual = bytes("hello").toString("latin1");
    const piece = fc.constantFrom(
      "5",
      "0",
      "&",
      " ",
      "\r\n",
      ": ",
      "Content-Length",
      "POST",
      "\0",
      "+",
      "-",
      "e1",
      "ä",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(usual.length), fc.nat(12), (pieces, at, cut) => {
        const text = usual.slice(0, at) + pieces.join("") + usual.slice(at + cut);
        const found = findPublish(REQUEST, Buffer.from(text, "latin1"), 0, MAX_BYTES);
        if (found.kind !== "whole") return;
        const [, name, digits] =
          /^POST \/channels\/([^? ]{1,128})\?type=t HTTP\/1\.1\r\nHost: test\r\nContent-Length: (\d+)\r\n\r\n/.exec(
            text,
          ) ?? [];
        expect([found.name, found.body.length]).toEqual([name, Number(digits)]);
      }),
      { numRuns: 2000 },
    );
  });
});
