import { beforeEach, describe, expect, it } from "vitest";
import { connectWith, type Push } from "../../src/client/connect.ts";
import { TailwireError } from "../../src/core/errors.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { type Script, script, type TalkingLink } from "./scripted.ts";

let clock: ManualClock;
let net: Script;
let push: Push;

async function begin(): Promise<TalkingLink> {
  clock = new ManualClock();
  net = script(clock, ["websocket"], ["websocket"]);
  push = connectWith(net.transports, "http://127.0.0.1:1/", { clock });
  push.subscribe("chat", () => {});
  return opened();
}

async function opened(): Promise<TalkingLink> {
  await clock.settleAsync();
  net.last().prove("a:0");
  return net.last() as TalkingLink;
}

const data = (link: TalkingLink) => link.asked.map(({ op }) => (op.op === "publish" ? op.data : op));

describe("publishing over a link that takes messages", () => {
  let link: TalkingLink;
  beforeEach(async () => {
    link = await begin();
  });

  it("sends many at once, in order, and settles each with its id", async () => {
    const published = [1, 2, 3].map((value) => push.publish("chat", value, { type: "n" }));
    await clock.settleAsync();
    expect(data(link)).toEqual([1, 2, 3]);
    expect(link.asked[0]?.op).toMatchObject({ op: "publish", channel: "chat", type: "n" });
    for (const [index, { settle }] of link.asked.entries()) settle({ type: "$ack", ref: index, id: `a:${index + 1}` });
    expect(await Promise.all(published)).toEqual([1, 2, 3].map((offset) => ({ id: `a:${offset}`, channel: "chat" })));
  });

  it("sends what was not acknowledged again over the next link, in order, with the same keys", async () => {
    const published = [1, 2].map((value) => push.publish("chat", value));
    await clock.settleAsync();
    const before = link.asked.map(({ op }) => op);
    for (const { settle } of link.asked) settle(new TailwireError("unreachable", "gone"));
    link.end();
    await clock.advanceAsync(500);
    const next = await opened();
    await clock.advanceAsync(1000);
    expect(next.asked.map(({ op }) => op)).toEqual(before);
    for (const { settle } of next.asked) settle({ type: "$ack", ref: 0, id: "a:1" });
    await Promise.all(published);
  });

  it("has another key for each event", async () => {
    void push.publish("chat", 1);
    void push.publish("chat", 1);
    await clock.settleAsync();
    const keys = link.asked.map(({ op }) => (op.op === "publish" ? op.idempotencyKey : ""));
    expect(new Set(keys).size).toBe(2);
  });

  it("rejects with the server's code what the server refuses, and goes on with the rest", async () => {
    const refused = push.publish("chat", 1);
    const fine = push.publish("chat", 2);
    await clock.settleAsync();
    link.asked[0]?.settle(new TailwireError("event_too_large", "too large"));
    link.asked[1]?.settle({ type: "$ack", ref: 2, id: "a:1" });
    await expect(refused).rejects.toMatchObject({ code: "event_too_large" });
    expect(await fine).toEqual({ id: "a:1", channel: "chat" });
  });

  it("looks after the link when no answer comes, and gives up after half a minute", async () => {
    const published = push.publish("chat", 1);
    const rejected = expect(published).rejects.toMatchObject({ code: "unreachable" });
    await clock.advanceAsync(10_000);
    expect(net.links.length).toBeGreaterThan(1);
    await clock.advanceAsync(60_000);
    await rejected;
  });

  it("carries bytes as base64", async () => {
    void push.publish("chat", new Uint8Array([1, 2, 3]));
    await clock.settleAsync();
    expect(link.asked[0]?.op).toMatchObject({ data: "AQID", encoding: "base64" });
  });

  it.each([
    ["undefined", undefined],
    ["a function", () => {}],
    ["a symbol", Symbol("x")],
  ])("refuses %s, which JSON does not have", async (_, value) => {
    await expect(push.publish("chat", value)).rejects.toMatchObject({ code: "invalid_data" });
  });

  it("rejects all that is under way when the client is closed, and leaves no timer", async () => {
    const published = push.publish("chat", 1);
    await clock.settleAsync();
    push.close();
    await expect(published).rejects.toMatchObject({ code: "unreachable" });
    await expect(push.publish("chat", 2)).rejects.toMatchObject({ code: "misuse" });
    expect(clock.timers).toBe(0);
  });
});
