import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { connectWith, type Push } from "../../src/client/connect.ts";
import type { StandardSchema } from "../../src/client/deliver.ts";
import { connect } from "../../src/client/index.ts";
import type { ReceivedEvent } from "../../src/core/event.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { type Script, script } from "./scripted.ts";

let clock: ManualClock;
let net: Script;
let push: Push;
let errors: unknown[];

beforeEach(() => {
  clock = new ManualClock();
  errors = [];
  net = script(clock, ["sse"]);
  push = connectWith(net.transports, "http://server/push", { clock, onError: (error) => errors.push(error) });
});

const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function slow(promise: Promise<void>): StandardSchema<unknown> {
  return { "~standard": { validate: async (value) => promise.then(() => ({ value })) } };
}

async function first(cursor = "a:0"): Promise<void> {
  await clock.settleAsync();
  net.last().prove(cursor);
}

describe("subscribing", () => {
  it("does not connect before there is something to subscribe to", async () => {
    await clock.advanceAsync(60_000);
    expect(net.links).toEqual([]);
    expect(push.state).toBe("closed");
  });

  it("shares one connection among the subscribers of a channel; each gets each event once", async () => {
    const seen: [ReceivedEvent[], ReceivedEvent[]] = [[], []];
    push.subscribe("chat", (event) => seen[0].push(event));
    push.subscribe("chat", (event) => seen[1].push(event));
    await first();
    net.last().event("a:1");
    expect(seen.map(ids)).toEqual([["a:1"], ["a:1"]]);
    expect(net.links).toHaveLength(1);
  });

  it("fetches what a later subscriber asks for by a link of its own, which ends when it has come up", async () => {
    const [live, late]: [ReceivedEvent[], ReceivedEvent[]] = [[], []];
    push.subscribe("chat", (event) => live.push(event));
    await first("a:10");
    push.subscribe("chat", (event) => late.push(event), { from: "-2" });
    await clock.settleAsync();
    const [main, own] = net.links;
    expect([...(own?.request.channels ?? [])]).toEqual([["chat", "-2"]]);
    own?.open("a:8");
    own?.event("a:9");
    main?.event("a:11");
    own?.event("a:10");
    own?.event("a:11");
    expect(own?.closed).toBe(true);
    main?.event("a:12");
    expect(ids(live)).toEqual(["a:11", "a:12"]);
    expect(ids(late)).toEqual(["a:9", "a:10", "a:11", "a:12"]);
  });

  it("ends the connection with the last subscription, also from inside a listener", async () => {
    const stop = push.subscribe("chat", () => stop());
    await first();
    net.last().event("a:1");
    await clock.settleAsync();
    expect(net.last().closed).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("hands on to all others when one listener throws, and reports it", async () => {
    const seen: ReceivedEvent[] = [];
    push.subscribe("chat", () => {
      throw new Error("mine");
    });
    push.subscribe("chat", (event) => seen.push(event));
    await first();
    net.last().event("a:1");
    expect(ids(seen)).toEqual(["a:1"]);
    expect(errors).toMatchObject([{ message: "mine" }]);
  });

  it("reports a state listener that throws, and tells the others", async () => {
    const states: string[] = [];
    push.on("state", () => {
      throw new Error("mine");
    });
    const off = push.on("state", (state) => states.push(state));
    push.subscribe("chat", () => {});
    await first();
    expect(states).toEqual(["connecting", "open"]);
    expect(errors).toHaveLength(2);
    off();
    push.close();
    expect(states).toHaveLength(2);
  });

  it("goes on after an onError that throws", async () => {
    const throws = () => {
      throw new Error("mine");
    };
    const reported: unknown[] = [];
    vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
    onTestFinished(() => void vi.unstubAllGlobals());
    push = connectWith(net.transports, "http://server/push", { clock, onError: throws });
    const seen: ReceivedEvent[] = [];
    push.subscribe("chat", throws);
    push.subscribe("chat", (event) => seen.push(event));
    await first();
    net.last().event("a:1");
    net.last().event("a:2");
    expect(ids(seen)).toEqual(["a:1", "a:2"]);
    expect(reported).toHaveLength(2);
  });

  it("keeps its link where the last subscription ends and another begins in the same turn", async () => {
    const stop = push.subscribe("chat", () => {});
    await first();
    const states: string[] = [];
    push.on("state", (state) => states.push(state));
    stop();
    const seen: ReceivedEvent[] = [];
    push.subscribe("chat", (event) => seen.push(event), { from: "a:0" });
    await clock.settleAsync();
    net.last().event("a:1");
    expect(ids(seen)).toEqual(["a:1"]);
    expect(states).toEqual([]);
    expect(net.links).toHaveLength(1);
  });

  it("hands nothing on after the subscription was ended, also where a schema takes its time", async () => {
    const seen: ReceivedEvent[] = [];
    const { promise, resolve } = gate();
    const schema = slow(promise);
    const stop = push.subscribe("chat", (event) => seen.push(event), { schema });
    await first();
    net.last().event("a:1");
    stop();
    resolve();
    await clock.settleAsync();
    expect(seen).toEqual([]);
  });

  it("holds no more than a thousand events for a schema that takes its time, and fetches the rest later", async () => {
    const seen: ReceivedEvent[] = [];
    const { promise, resolve } = gate();
    push.subscribe("chat", (event) => seen.push(event), { schema: slow(promise) });
    await first();
    for (let offset = 1; offset <= 1200; offset++) net.last().event(`a:${offset}`);
    resolve();
    await clock.settleAsync();
    expect(seen).toHaveLength(1000);
    expect([...net.last().request.channels]).toEqual([["chat", "a:1000"]]);
    net.last().open("a:1000");
    for (let offset = 1001; offset <= 1200; offset++) net.last().event(`a:${offset}`);
    await clock.settleAsync();
    expect(ids(seen)).toEqual(Array.from({ length: 1200 }, (_, index) => `a:${index + 1}`));
  });

  it("tells when another transport takes over, though the state stays", async () => {
    net = script(clock, ["websocket", "sse"]);
    push = connectWith(net.transports, "http://server/push", { clock });
    const told: unknown[] = [];
    push.on("state", (state) => told.push([state, push.transport]));
    push.subscribe("chat", () => {});
    await clock.advanceAsync(800);
    const worse = net.last();
    worse.prove("a:0");
    for (let count = 0; net.links.length === 2 && count < 200; count++) {
      await clock.advanceAsync(5000);
      worse.heartbeat();
    }
    net.last().prove("a:0");
    expect(told).toEqual([
      ["connecting", undefined],
      ["open", "sse"],
      ["open", "websocket"],
    ]);
  });

  it("tells a gap to its subscription, or else to the client", async () => {
    const gaps: string[] = [];
    const both = connectWith(net.transports, "http://server/", {
      clock,
      onGap: ({ next }) => gaps.push(`all ${next}`),
    });
    both.subscribe("chat", () => {}, { onGap: ({ next }) => gaps.push(`own ${next}`) });
    both.subscribe("chat", () => {});
    await first("a:1");
    net.last().gap("a:1", "a:5");
    expect(gaps).toEqual(["own a:5", "all a:5"]);
  });

  it("goes on at the cursor that the server put into the page", async () => {
    push.subscribe("chat", () => {}, { from: "x7f3k2:42" });
    await clock.settleAsync();
    expect([...net.last().request.channels]).toEqual([["chat", "x7f3k2:42"]]);
  });

  it.each(["", "a b", "$x", "a/b", "é", "a".repeat(129)])("refuses the channel %j", (name) => {
    expect(() => push.subscribe(name, () => {})).toThrow(expect.objectContaining({ code: "invalid_channel" }));
  });

  it.each(["", "then", "-0.5", "5", "a:b", "a:1,b:2"])("refuses to begin at %j", (from) => {
    expect(() => push.subscribe("chat", () => {}, { from })).toThrow(
      expect.objectContaining({ code: "invalid_parameter" }),
    );
  });

  it("refuses a channel more than a connection takes, and goes on with the others", async () => {
    for (let index = 0; index < 64; index++) push.subscribe(`chat-${index}`, () => {});
    expect(() => push.subscribe("one-more", () => {})).toThrow(expect.objectContaining({ code: "invalid_channel" }));
    await clock.settleAsync();
    expect(net.last().request.channels.size).toBe(64);
  });

  it("throws why it has closed by itself", async () => {
    push.subscribe("chat", () => {});
    await first();
    net.last().bye(4403, null);
    expect(() => push.subscribe("news", () => {})).toThrow("4403");
    await expect(push.publish("news", 1)).rejects.toThrow("4403");
  });

  it("refuses work once it is closed", () => {
    push.close();
    expect(() => push.subscribe("chat", () => {})).toThrow(expect.objectContaining({ code: "misuse" }));
  });
});

describe("events()", () => {
  it("gives events as they come, and ends with break", async () => {
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of push.events("chat")) {
        seen.push(event.id);
        if (seen.length === 2) break;
      }
    })();
    await first();
    for (const id of ["a:1", "a:2", "a:3"]) net.last().event(id);
    await reading;
    await clock.settleAsync();
    expect(seen).toEqual(["a:1", "a:2"]);
    expect(net.last().closed).toBe(true);
  });

  it("gives what it holds, and then ends, when its signal is aborted", async () => {
    const aborter = new AbortController();
    const events = push.events(["chat", "news"], { signal: aborter.signal });
    await first("chat=a:0,news=b:0");
    net.last().event("b:1", "news");
    expect((await events.next()).value).toMatchObject({ id: "b:1", channel: "news" });
    const waiting = events.next();
    aborter.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    await clock.settleAsync();
    expect(net.last().closed).toBe(true);
  });

  it("takes no more than a thousand events ahead of a slow reader, and fetches the rest later", async () => {
    const events = push.events("chat");
    await first();
    for (let offset = 1; offset <= 1500; offset++) net.last().event(`a:${offset}`);
    const seen: string[] = [];
    for (let count = 0; count < 1000; count++) seen.push((await events.next()).value.id);
    await clock.settleAsync();
    const [, own] = net.links;
    expect([...(own?.request.channels ?? [])]).toEqual([["chat", "a:1000"]]);
    own?.open("a:1000");
    for (let offset = 1001; offset <= 1500; offset++) own?.event(`a:${offset}`);
    expect(own?.closed).toBe(true);
    for (let count = 0; count < 500; count++) seen.push((await events.next()).value.id);
    expect(seen).toEqual(Array.from({ length: 1500 }, (_, index) => `a:${index + 1}`));
  });
});

describe("connect", () => {
  it("refuses a transport that there is not, and names those that there are", () => {
    expect(() => connect("http://server/", { transports: ["carrier-pigeon" as "sse"] })).toThrow(
      /"carrier-pigeon" is no transport; there are websocket, sse, stream, xhr-stream, long-poll, iframe, jsonp, poll/,
    );
  });

  it.each(["", "/push", "chat"])(
    "is made for %j also where a page is drawn on a server, and cannot be used there",
    (url) => {
      const there = connect(url);
      expect(there.state).toBe("closed");
      expect(() => there.subscribe("chat", () => {})).toThrow(expect.objectContaining({ code: "misuse" }));
    },
  );

  it.each(["ftp://server/", "data:text/plain,x"])("refuses %j, which is no server", (url) => {
    expect(() => connect(url)).toThrow(expect.objectContaining({ code: "misuse" }));
  });

  it("refuses transports of which none is to be had here", () => {
    expect(() => connect("http://server/", { transports: ["jsonp", "iframe"] })).toThrow(
      expect.objectContaining({ code: "misuse" }),
    );
  });
});
