import { describe, expect, it } from "vitest";
import { createPlaces, follows, type ItemMessage, positionOf } from "../../src/client/places.ts";
import { TailwireError } from "../../src/core/errors.ts";

const event = (id: string, channel = "chat"): ItemMessage => ({ id, channel, type: "message", time: 0, data: 0 });
const gap = (after: string, next: string): ItemMessage => ({
  type: "$gap",
  channel: "chat",
  after,
  next,
  lost: null,
  reason: "trimmed",
});
const CHAT = new Map([["chat", "now"]]);
const ignore = () => {};

describe("what follows on", () => {
  it.each([
    ["the next event", event("a:6"), "next"],
    ["the same event", event("a:5"), "seen"],
    ["an older event", event("a:1"), "seen"],
    ["an event too far on", event("a:7"), "missed"],
    ["an event of another epoch", event("b:1"), "missed"],
    ["a gap from here", gap("a:5", "a:9"), "next"],
    ["a gap into another epoch from here", gap("a:5", "b:0"), "next"],
    ["a gap that was passed", gap("a:2", "a:4"), "seen"],
    ["a gap from further on", gap("a:6", "a:9"), "missed"],
  ] as const)("%s", (_, item, how) => {
    expect(follows({ epoch: "a", offset: 5 }, item)).toBe(how);
  });

  it.each(["", "a", "a:", ":1", "a:-1", "a:1.5", "a:01", "a b:1", "é:1", "a:99999999999999999"])(
    "refuses %j for a position",
    (id) => {
      expect(() => positionOf(event(id))).toThrow(TailwireError);
    },
  );
});

describe("places", () => {
  it("asks for a channel where it was wanted from, then from where it is", () => {
    const places = createPlaces();
    places.want(new Map([["chat", "-5"]]));
    expect([...places.wanted]).toEqual([["chat", "-5"]]);
    places.begin(places.wanted, "a:3", ignore);
    expect([...places.wanted]).toEqual([["chat", "a:3"]]);
  });

  it("says which channels are new and which are gone; those that stay keep their place", () => {
    const places = createPlaces();
    expect(places.want(CHAT)).toEqual({ added: ["chat"], gone: [] });
    places.begin(CHAT, "a:3", ignore);
    expect(
      places.want(
        new Map([
          ["chat", "earliest"],
          ["news", "now"],
        ]),
      ),
    ).toEqual({ added: ["news"], gone: [] });
    expect(places.at("chat")).toEqual({ epoch: "a", offset: 3 });
    expect(places.want(new Map())).toEqual({ added: [], gone: ["chat", "news"] });
  });

  it("refuses a link that was asked for a word, and begins after what another has found", () => {
    const places = createPlaces();
    places.want(CHAT);
    places.begin(CHAT, "a:3", ignore);
    expect(() => places.begin(CHAT, "a:4", ignore)).toThrow("too late");
    expect(() => places.begin(CHAT, "a:3", ignore)).not.toThrow();
    expect(() => places.begin(CHAT, "a:1", ignore)).not.toThrow();
  });

  it("tells a channel that is found only once", () => {
    const places = createPlaces();
    places.want(
      new Map([
        ["chat", "now"],
        ["news", "now"],
      ]),
    );
    const found: string[] = [];
    const both = places.wanted;
    places.begin(both, "chat=a:3,news=b:0", (channel) => found.push(channel));
    places.begin(both, "chat=a:3,news=b:0", (channel) => found.push(channel));
    expect(found).toEqual(["chat", "news"]);
  });

  it.each(["", "x", "chat", "chat=", "chat=a:1,news"])("refuses the cursor %j of two channels", (cursor) => {
    const places = createPlaces();
    places.want(
      new Map([
        ["chat", "now"],
        ["news", "now"],
      ]),
    );
    expect(() => places.begin(places.wanted, cursor, ignore)).toThrow(TailwireError);
  });

  it("passes over channels that are wanted no more", () => {
    expect(createPlaces().take(event("a:1"))).toBe("seen");
  });
});
