import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AWKWARD_TEXTS, AWKWARD_VALUES, AWKWARD_WORDS } from "../../src/testing/awkward.ts";
import { encodeFrameBegin, encodeFramePost } from "../../src/wire/iframe.ts";
import { FramePage } from "../testing/drivers/script-page.ts";

const nonce = "abcdefghijklmnopqrst_-";
const origin = "https://app.example";
const BEGIN = encodeFrameBegin({ nonce, origin });

/** What a page posts that has each of the JSON texts, as one piece and in pieces of one character. */
function posted(...jsons: readonly string[]): readonly unknown[] {
  const html = BEGIN + jsons.map((json) => encodeFramePost(nonce, json)).join("");
  const whole = read([html]);
  if (html.length < 20_000) expect(read(Array.from(html))).toEqual(whole);
  return whole;
}

function read(pieces: readonly string[]): readonly unknown[] {
  const page = new FramePage(nonce);
  const all = pieces.flatMap((piece) => page.push(piece));
  expect(page.whole).toBe(true);
  for (const each of all) expect(each.origin).toBe(origin);
  return all.map(({ message }) => message);
}

describe("a page in a frame", () => {
  it("is a head, padding that browsers begin at, and a script for each message", () => {
    expect(BEGIN.length).toBeGreaterThan(2048);
    expect(BEGIN).toContain('postMessage(json === null ? message : JSON.parse(json), "https://app.example")');
    expect(encodeFramePost(nonce, '{"type":"$heartbeat","time":1}')).toBe(
      `<script nonce="${nonce}">post({"type":"$heartbeat","time":1});\n</script>`,
    );
  });

  it("posts nothing by itself", () => {
    expect(posted()).toEqual([]);
  });

  it("posts each message as an object, wherever it is cut", () => {
    const values = [...AWKWARD_VALUES, ...AWKWARD_TEXTS, ...AWKWARD_WORDS].map((data) => ({ id: "x:1", data }));
    for (const value of values) expect(posted(JSON.stringify(value))).toEqual([value]);
    expect(posted(...values.map((value) => JSON.stringify(value)))).toEqual(values);
  });

  it("posts any message as it was", () => {
    const page = new FramePage(nonce);
    page.push(BEGIN);
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (value) => {
        const json = JSON.stringify(value);
        expect(page.push(encodeFramePost(nonce, json))).toEqual([{ message: JSON.parse(json), origin }]);
      }),
    );
  });

  it("has no data that begins or ends anything in HTML", () => {
    for (const text of ["</script><script>alert(1)</script>", "<!--<script>", "<!doctype html>", "\u2028\n\r"]) {
      const html = encodeFramePost(nonce, JSON.stringify({ [text]: text }));
      expect(html.match(/</g)).toHaveLength(2);
      expect(posted(JSON.stringify({ [text]: text }))).toEqual([{ [text]: text }]);
    }
  });

  it("posts what is nested too deep for an object as its JSON, and goes on", () => {
    const deep = `{"data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(posted(deep, '{"data":1}')).toEqual([deep, { data: 1 }]);
  });

  it("cut off inside a message, it has posted only those before", () => {
    const message = encodeFramePost(nonce, '{"data":"1"}');
    for (let at = 1; at < message.length; at++) {
      const page = new FramePage(nonce);
      expect(page.push(BEGIN + message + message.slice(0, at))).toHaveLength(1);
      expect(page.whole).toBe(false);
    }
  });
});
