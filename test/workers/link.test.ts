import { describe, expect, it } from "vitest";
import { ManualClock } from "../../src/testing/index.ts";
import { type Link, LinkEnd, type LinkOwner } from "../../src/workers/link.ts";

/** A link whose other end is the test. */
class OpenLink implements Link {
  owner: LinkOwner = { take() {}, drained() {}, closed() {} };
  readonly lines: string[] = [];
  takesMore = true;
  closed = false;

  send(text: string): boolean {
    this.lines.push(text);
    return this.takesMore;
  }

  close(): void {
    this.closed = true;
  }
}

function setUp() {
  const link = new OpenLink();
  const clock = new ManualClock();
  const taken: (readonly unknown[])[] = [];
  const ends: string[] = [];
  const end = new LinkEnd(link, clock, { take: (messages) => taken.push(messages), closed: () => ends.push("closed") });
  return { link, clock, taken, ends, end };
}

describe("an end of a link", () => {
  it("sends what is said in one turn as one line", () => {
    const { link, clock, end } = setUp();
    for (const json of ["1", '["a"]', "{}"]) end.push(json);
    expect(link.lines).toEqual([]);
    clock.settle();
    end.push("2");
    clock.settle();
    expect(link.lines).toEqual(['[1,["a"],{}]\n', "[2]\n"]);
  });

  it("gives a link that has enough nothing more until it has drained, and then all at once", () => {
    const { link, clock, end } = setUp();
    link.takesMore = false;
    end.push("1");
    clock.settle();
    for (const json of ["2", "3"]) end.push(json);
    clock.settle();
    expect(link.lines).toEqual(["[1]\n"]);
    link.takesMore = true;
    link.owner.drained();
    clock.settle();
    expect(link.lines).toEqual(["[1]\n", "[2,3]\n"]);
  });

  it("begins a line of its own after a mebibyte", () => {
    const { link, clock, end } = setUp();
    const long = JSON.stringify("x".repeat(600_000));
    for (let n = 0; n < 5; n += 1) end.push(long);
    clock.settle();
    expect(link.lines.map((line) => JSON.parse(line).length)).toEqual([2, 2, 1]);
  });

  it("takes lines whole, and cut at every place", () => {
    const text = '[1,"a\\n"]\n[]\n[["é"],{}]\n';
    const messages = [[1, "a\n"], [], [["é"], {}]];
    for (let at = 0; at <= text.length; at += 1) {
      const { link, taken } = setUp();
      for (const part of [text.slice(0, at), text.slice(at)]) link.owner.take(part);
      expect(taken).toEqual(messages);
    }
    const { link, taken } = setUp();
    for (const character of text) link.owner.take(character);
    expect(taken).toEqual(messages);
  });

  it("sends what waits before it closes, and says nothing after that", () => {
    const { link, clock, ends, end } = setUp();
    end.push("1");
    end.close();
    end.close();
    end.push("2");
    clock.settle();
    link.owner.drained();
    expect([link.lines, link.closed, ends]).toEqual([["[1]\n"], true, ["closed"]]);
  });

  it("says once that the link has ended", () => {
    const { link, clock, ends, end } = setUp();
    end.push("1");
    link.owner.closed();
    link.owner.closed();
    clock.settle();
    expect([link.lines, ends]).toEqual([[], ["closed"]]);
  });
});
