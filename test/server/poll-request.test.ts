import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headLength } from "../../src/server/request-text.ts";
import { cursorIn, pollRequest } from "../../src/server/transport/poll-request.ts";

type Fields = Readonly<Record<string, string>>;

/** A request as node:http reads it. */
function head(url: string, fields: Fields = {}, method = "GET", httpVersion = "1.1") {
  const entries = Object.entries({ Host: "test", ...fields });
  const headers = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
  return { method, url, httpVersion, headers, rawHeaders: entries.flat() };
}

function bytes(url: string, fields: Fields = {}): Buffer {
  const lines = Object.entries({ Host: "test", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${url} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
}

const URL_POLL = "/channels/news?from=abc:1&wait=20";
const TAG_POLL = "/channels/news?wait=20&from=-5";
const tag = (cursor: string) => ({ Accept: "application/json", "If-None-Match": `"${cursor}"`, Cookie: "a=1" });

/** The cursor that a second request has, where the first was served. */
function again(first: ReturnType<typeof head>, second: Buffer): string | undefined {
  const request = pollRequest(first);
  return request === undefined ? undefined : cursorIn(request, second);
}

describe("a poll's bytes", () => {
  it("are the same but for the cursor in the URL", () => {
    expect(again(head(URL_POLL), bytes("/channels/news?from=xyz:20&wait=20"))).toBe("xyz:20");
  });

  it("are the same but for the cursor in If-None-Match, which wins over that in the URL", () => {
    expect(again(head(TAG_POLL, tag("abc:1")), bytes(TAG_POLL, tag("xyz:20")))).toBe("xyz:20");
    expect(again(head(TAG_POLL, tag("abc:1")), bytes("/channels/news?wait=20&from=-6", tag("xyz:20")))).toBeUndefined();
  });

  it("decode the cursor of a URL", () => {
    expect(again(head("/channels/a,b?from=a%3Dx:1"), bytes("/channels/a,b?from=a%3Dx:2%2Cb%3Dy:3"))).toBe(
      "a=x:2,b=y:3",
    );
    expect(again(head("/channels/a?from=x:1"), bytes("/channels/a?from=%ff"))).toBeUndefined();
    expect(again(head("/channels/a?from=x:1"), bytes("/channels/a?from=%zz"))).toBeUndefined();
  });

  it.each([
    ["another path", bytes("/channels/more?from=abc:1&wait=20")],
    ["another parameter", bytes("/channels/news?from=abc:1&wait=21")],
    ["one parameter more", bytes("/channels/news?from=abc:1&limit=1&wait=20")],
    ["a fragment of the cursor's own", bytes("/channels/news?from=abc:1#&wait=20")],
    ["one header more", bytes(URL_POLL, { "X-More": "1" })],
    ["another host", bytes(URL_POLL, { Host: "else" })],
    ["no cursor", bytes("/channels/news?from=&wait=20")],
    [
      "CR and LF in its cursor",
      bytes("/channels/news?from=abc:1 HTTP/1.1\r\nX: y\r\n\r\nGET /channels/news?from=a&wait=20"),
    ],
    ["a second request behind it", Buffer.concat([bytes(URL_POLL), bytes(URL_POLL)])],
    ["half of its bytes", bytes(URL_POLL).subarray(0, 40)],
    ["nothing", Buffer.alloc(0)],
  ])("differ in %s", (_, other) => {
    expect(again(head(URL_POLL), other)).toBeUndefined();
  });

  it.each([
    ["without a cursor", head("/channels/news?wait=20")],
    ["of another method", head(URL_POLL, {}, "HEAD")],
    ["of HTTP/1.0", head(URL_POLL, {}, "GET", "1.0")],
    ["with a body", head(URL_POLL, { "Content-Length": "1" })],
    ["with a chunked body", head(URL_POLL, { "Transfer-Encoding": "chunked" })],
    ["that ends its connection", head(URL_POLL, { Connection: "close" })],
    ["that expects", head(URL_POLL, { Expect: "100-continue" })],
    ["with Last-Event-ID", head(URL_POLL, { "Last-Event-ID": "abc:1" })],
    ["with a list of tags", head(URL_POLL, { "If-None-Match": '"a:1", "b:2"' })],
  ])("are not repeated of one %s", (_, first) => {
    expect(pollRequest(first)).toBeUndefined();
  });

  it("are as long as node:http read them", () => {
    for (const [url, fields] of [
      [URL_POLL, {}],
      [TAG_POLL, tag("abc:1")],
    ] as const) {
      expect(headLength(head(url, fields))).toBe(bytes(url, fields).length);
    }
  });

  it("never mean another request: whatever is taken is the first one with another cursor in it", () => {
    const request = pollRequest(head(URL_POLL, { Cookie: "a=1" }));
    const usual = bytes(URL_POLL, { Cookie: "a=1" }).toString("latin1");
    const piece = fc.constantFrom(
      "abc:1",
      "&",
      "?",
      "=",
      "from",
      " ",
      "\r\n",
      "x:9",
      "HTTP/1.1",
      "#",
      '"',
      "\0",
      "ä",
      "%41",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(usual.length), fc.nat(12), (pieces, at, cut) => {
        const text = usual.slice(0, at) + pieces.join("") + usual.slice(at + cut);
        const cursor = request === undefined ? undefined : cursorIn(request, Buffer.from(text, "latin1"));
        if (cursor === undefined) return;
        expect(text).toMatch(
          /^GET \/channels\/news\?from=[\w.~:,=%-]+&wait=20 HTTP\/1\.1\r\nHost: test\r\nCookie: a=1\r\n\r\n$/,
        );
      }),
      { numRuns: 2000 },
    );
  });
});
