import { beforeEach, describe, expect, it } from "vitest";
import type { Feed, State } from "../../src/client/feed.ts";
import type { TransportName } from "../../src/client/link.ts";
import type { ItemMessage } from "../../src/client/places.ts";
import { createSession } from "../../src/client/session.ts";
import { TailwireError } from "../../src/core/errors.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { type Script, script, type TalkingLink } from "./scripted.ts";

const CHAT = new Map([["chat", "now"]]);
const MINUTE = 60_000;

let clock: ManualClock;
let net: Script;
let session: Feed;
let states: State[];
let items: ItemMessage[];
let errors: unknown[];
let reason: TailwireError | undefined;
let remembered: TransportName | undefined;
let token: () => string | undefined | Promise<string | undefined>;

function begin(names: readonly TransportName[], talking: readonly TransportName[] = []): void {
  net = script(clock, names, talking);
  session = createSession(
    {
      base: "http://server/",
      withCredentials: false,
      WebSocket: undefined,
      transports: net.transports,
      token: () => token(),
      clock,
      remembered: {
        get: () => remembered,
        set(name) {
          remembered = name;
        },
      },
    },
    {
      begin() {},
      item: (item) => items.push(item),
      error: (error) => errors.push(error),
      state(state, why) {
        if (state !== states.at(-1)) states.push(state);
        reason = why;
      },
    },
  );
}

async function want(channels: ReadonlyMap<string, string> = CHAT): Promise<void> {
  session.want(channels);
  await clock.settleAsync();
}

const names = () => net.links.map(({ name }) => name);
const open = () => net.links.filter(({ closed }) => !closed).map(({ name }) => name);

beforeEach(() => {
  clock = new ManualClock();
  states = [];
  items = [];
  errors = [];
  remembered = undefined;
  token = () => undefined;
});

describe("finding a transport", () => {
  it("takes the first that proves itself, and starts no other", async () => {
    begin(["websocket", "sse"]);
    await want();
    net.last().prove("a:0");
    await clock.advanceAsync(MINUTE / 4);
    expect(names()).toEqual(["websocket"]);
    expect(states).toEqual(["connecting", "open"]);
    expect(session.transport).toBe("websocket");
  });

  it("starts the next beside one that is silent, and ends the silent one when the other has proved itself", async () => {
    begin(["websocket", "sse", "long-poll"]);
    await want();
    await clock.advanceAsync(1000);
    expect(open()).toEqual(["websocket", "sse"]);
    net.last().prove("a:0");
    expect(open()).toEqual(["sse"]);
  });

  it("starts the next at once in place of one that failed", async () => {
    begin(["websocket", "sse"]);
    await want();
    net.last().end();
    await clock.settleAsync();
    expect(open()).toEqual(["sse"]);
  });

  it("does not take $open alone for a proof", async () => {
    begin(["websocket", "sse"]);
    await want();
    net.last().open("a:0");
    await clock.advanceAsync(2000);
    expect(session.state).toBe("connecting");
    expect(names()).toEqual(["websocket", "sse"]);
  });

  it("does not take a heartbeat for a proof that comes later than $open did: something holds it back", async () => {
    begin(["websocket", "sse"]);
    await want();
    net.last().open("a:0");
    const sent = clock.now() + 200;
    await clock.advanceAsync(800);
    net.links[0]?.heartbeat(sent);
    expect(session.state).toBe("connecting");
  });

  it("takes a proof that comes late behind much else, and starts no other meanwhile", async () => {
    begin(["websocket", "sse"]);
    await want();
    const link = net.last();
    link.open("a:0");
    const sent = clock.now() + 200;
    for (let offset = 1; offset <= 40; offset++) {
      await clock.advanceAsync(300);
      link.event(`a:${offset}`);
    }
    link.heartbeat(sent);
    expect(names()).toEqual(["websocket"]);
    expect(session.state).toBe("open");
  });

  it("hands on events also before the proof, and only once when two links bring them", async () => {
    begin(["websocket", "sse"]);
    await want();
    net.links[0]?.open("a:0");
    net.links[0]?.event("a:1");
    await clock.advanceAsync(2000);
    net.links[1]?.open("a:1");
    net.links[1]?.event("a:2");
    net.links[0]?.event("a:2");
    expect(items).toMatchObject([{ id: "a:1" }, { id: "a:2" }]);
  });

  it("has no more than four links at a time", async () => {
    begin(["websocket", "sse", "stream", "xhr-stream", "long-poll", "poll"]);
    await want();
    await clock.advanceAsync(4000);
    expect(open()).toEqual(["stream", "xhr-stream", "long-poll", "poll"]);
  });

  it("waits, and begins again, when none has answered", async () => {
    begin(["websocket", "sse"]);
    await want();
    await clock.advanceAsync(12_000);
    expect(open().length <= 2).toBe(true);
    expect(states.slice(0, 2)).toEqual(["connecting", "waiting"]);
    await clock.advanceAsync(12_000);
    expect(names().slice(0, 3)).toEqual(["websocket", "sse", "websocket"]);
  });

  it("begins with the one that is remembered", async () => {
    remembered = "sse";
    begin(["websocket", "sse"]);
    await want();
    expect(names()).toEqual(["sse"]);
  });

  it("tries a better one quietly from time to time, and goes over to it", async () => {
    remembered = "sse";
    begin(["websocket", "sse"]);
    await want();
    const [first] = net.links;
    const start = clock.now();
    first?.prove("a:0");
    while (net.links.length === 1 && clock.now() < start + 11 * MINUTE) {
      await clock.advanceAsync(5000);
      first?.heartbeat();
    }
    expect(names()).toEqual(["sse", "websocket"]);
    expect(states).toEqual(["connecting", "open"]);
    net.last().prove("a:0");
    expect(open()).toEqual(["websocket"]);
    expect(states).toEqual(["connecting", "open"]);
    expect(remembered).toBe("websocket");
  });
});

describe("keeping it", () => {
  beforeEach(async () => {
    begin(["websocket", "sse"]);
    await want();
    net.last().prove("a:0");
    net.last().event("a:1");
  });

  it("comes back from its cursor, first over the same transport", async () => {
    net.last().end();
    expect(session.state).toBe("waiting");
    await clock.advanceAsync(500);
    expect(names()).toEqual(["websocket", "websocket"]);
    expect([...net.last().request.channels]).toEqual([["chat", "a:1"]]);
  });

  it("takes a silence of twice the heartbeat for the end", async () => {
    await clock.advanceAsync(31_000);
    expect(net.links[0]?.closed).toBe(false);
    await clock.advanceAsync(8000);
    expect(net.links[0]?.closed).toBe(true);
    expect(names().slice(0, 2)).toEqual(["websocket", "websocket"]);
  });

  it("leaves a transport whose heartbeats have come to be held back, for another", async () => {
    net.last().heartbeat();
    const sent = clock.now() + 15_000;
    await clock.advanceAsync(29_000);
    net.last().heartbeat(sent);
    expect(net.links[0]?.closed).toBe(true);
    await clock.advanceAsync(500);
    expect(net.last().name).toBe("sse");
  });

  it("looks at once when the network has changed, and keeps the link until another has proved itself", async () => {
    session.check(true);
    await clock.settleAsync();
    expect(open()).toEqual(["websocket", "websocket"]);
    expect(session.state).toBe("open");
    net.last().prove("a:1");
    expect(open()).toEqual(["websocket"]);
    expect(net.links[0]?.closed).toBe(true);
  });

  it("leaves a link alone that was heard from lately when the page is only shown again", async () => {
    await clock.advanceAsync(10_000);
    session.check();
    await clock.settleAsync();
    expect(names()).toHaveLength(1);
  });

  it("is not misled by a clock that was set", async () => {
    net.last().heartbeat();
    await clock.advanceAsync(15_000);
    net.last().heartbeat(clock.now() - 60 * MINUTE);
    await clock.advanceAsync(15_000);
    net.last().heartbeat(clock.now() - 60 * MINUTE);
    expect(names()).toEqual(["websocket"]);
    expect(session.state).toBe("open");
  });

  it("comes back when the server says, and not sooner", async () => {
    net.last().bye(1012, 5000);
    expect(session.state).toBe("waiting");
    await clock.advanceAsync(4999);
    expect(names()).toHaveLength(1);
    await clock.advanceAsync(1);
    expect(names()).toHaveLength(2);
  });

  it("opens another link beside one that is to be replaced at once", async () => {
    net.last().bye(1013, 0);
    await clock.settleAsync();
    expect(open()).toEqual(["websocket", "websocket"]);
    expect(states).toEqual(["connecting", "open"]);
  });

  it("does not come back when the server says so, and tells why", async () => {
    net.last().bye(4403, null);
    await clock.advanceAsync(10 * MINUTE);
    expect(session.state).toBe("closed");
    expect(reason?.message).toContain("4403 said by the test");
    expect(names()).toHaveLength(1);
  });

  it("does not come back to a server that finds the request itself at fault", async () => {
    net.last().end("invalid_cursor");
    await clock.advanceAsync(10 * MINUTE);
    expect(session.state).toBe("closed");
    expect(reason?.code).toBe("invalid_cursor");
  });

  it("reports a jump without a gap, delivers nothing of it, and asks again from where it was", async () => {
    net.last().end();
    await clock.advanceAsync(500);
    net.last().prove("a:1");
    net.last().event("a:3");
    expect(items).toMatchObject([{ id: "a:1" }]);
    expect(errors).toMatchObject([{ code: "protocol_error" }]);
    await clock.advanceAsync(500);
    expect([...net.last().request.channels]).toEqual([["chat", "a:1"]]);
  });

  it("hands on a gap, as seen from where it was, and goes on behind it", async () => {
    net.last().gap("a:0", "a:5", 5);
    net.last().event("a:6");
    expect(items.slice(1)).toMatchObject([{ after: "a:1", next: "a:5", lost: 4 }, { id: "a:6" }]);
  });

  it("asks for a token at each connection", async () => {
    let count = 0;
    token = () => `token ${++count}`;
    net.last().end();
    await clock.advanceAsync(500);
    net.last().end();
    await clock.settleAsync();
    expect(net.links.slice(1).map(({ request }) => request.token)).toEqual(["token 1", "token 2"]);
  });

  it("reports a token that cannot be had, and tries again", async () => {
    token = () => Promise.reject(new Error("no token today"));
    net.last().end();
    await clock.advanceAsync(600);
    expect(errors.length).toBeGreaterThan(0);
    token = () => "better";
    await clock.advanceAsync(5000);
    expect(net.last().request.token).toBe("better");
  });
});

describe("the channels", () => {
  it("makes one request of all that is wanted in one turn", async () => {
    begin(["sse"]);
    session.want(CHAT);
    await want(
      new Map([
        ["chat", "-5"],
        ["news", "now"],
      ]),
    );
    expect(net.links).toHaveLength(1);
    expect([...net.last().request.channels.keys()]).toEqual(["chat", "news"]);
  });

  it("asks anew from the cursor for other channels, and keeps the link until the new one has proved itself", async () => {
    begin(["sse"]);
    await want();
    net.last().prove("a:7");
    await want(new Map([...CHAT, ["news", "-3"]]));
    expect(open()).toEqual(["sse", "sse"]);
    expect([...net.last().request.channels]).toEqual([
      ["chat", "a:7"],
      ["news", "-3"],
    ]);
    net.links[0]?.event("a:8");
    net.last().prove("chat=a:7,news=n:0");
    net.last().event("a:8");
    expect(items).toMatchObject([{ id: "a:8" }]);
    expect(net.links[0]?.closed).toBe(true);
  });

  it("asks for other channels by messages where the link takes them", async () => {
    begin(["websocket"], ["websocket"]);
    await want();
    const link = net.last() as TalkingLink;
    link.prove("a:7");
    await want(new Map([["news", "-3"]]));
    expect(link.asked.map(({ op }) => op)).toEqual([
      { op: "unsubscribe", channel: "chat" },
      { op: "subscribe", channel: "news", from: "-3" },
    ]);
    link.asked[1]?.settle({ type: "$ack", ref: 1, cursor: "n:4" });
    link.event("n:5", "news");
    expect(items).toMatchObject([{ id: "n:5" }]);
    expect(net.links).toHaveLength(1);
  });

  it("passes over what an earlier subscription to a channel still brings", async () => {
    begin(["websocket"], ["websocket"]);
    await want();
    const link = net.last() as TalkingLink;
    link.prove("a:7");
    await want(new Map([["other", "now"]]));
    await want(
      new Map([
        ["other", "now"],
        ["chat", "-2"],
      ]),
    );
    link.event("a:8");
    const again = link.asked.find(({ op }) => op.op === "subscribe" && op.channel === "chat");
    again?.settle({ type: "$ack", ref: 3, cursor: "a:6" });
    for (const id of ["a:7", "a:8"]) link.event(id);
    expect(items).toMatchObject([{ id: "a:7" }, { id: "a:8" }]);
  });

  it("gives up only a new channel that cannot be had, by a request of its own or by a message", async () => {
    begin(["sse"]);
    await want();
    net.last().prove("a:7");
    await want(new Map([...CHAT, ["news", "n:99"]]));
    net.last().end("invalid_cursor");
    await clock.advanceAsync(1000);
    expect(errors).toMatchObject([{ code: "invalid_cursor" }]);
    net.links[0]?.event("a:8");
    expect(items).toMatchObject([{ id: "a:8" }]);
    expect(session.state).toBe("open");

    begin(["websocket"], ["websocket"]);
    await want();
    const link = net.last() as TalkingLink;
    link.prove("a:7");
    await want(new Map([...CHAT, ["news", "n:99"]]));
    link.asked[0]?.settle(new TailwireError("invalid_cursor", "ahead"));
    link.event("a:8");
    expect(items).toHaveLength(2);
    expect(session.state).toBe("open");
    expect(errors).toHaveLength(2);
  });

  it("has no link when nothing is wanted", async () => {
    begin(["sse"]);
    await want();
    net.last().prove("a:0");
    await want(new Map());
    expect(open()).toEqual([]);
    expect(session.state).toBe("closed");
    expect(clock.timers).toBe(0);
  });

  it("leaves nothing behind when it is closed in the middle of looking", async () => {
    begin(["websocket", "sse"]);
    await want();
    await clock.advanceAsync(1000);
    session.close();
    expect(open()).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
