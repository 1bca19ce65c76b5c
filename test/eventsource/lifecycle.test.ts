/** Which answers an EventSource comes back after, when, and with what: the rules of 9.2.2 and 9.2.3, time moved by hand. */

import { describe, expect, it } from "vitest";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { start } from "./life.ts";

describe("what an EventSource asks for", () => {
  it("connects at once, for an event stream", () => {
    const { requests, lifecycle } = start({ withCredentials: true });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.request).toMatchObject({ url: "https://example.com/events", withCredentials: true });
    expect(requests[0]?.request.headers).toEqual({ accept: "text/event-stream" });
    expect(lifecycle.state).toBe("connecting");
  });

  it("sends its own headers too, whose names have no case, and replaces a Last-Event-ID among them", () => {
    const headers = { Authorization: "Bearer a", "LAST-event-ID": "first", accept: "x/y", Accept: "x/z" };
    const source = start({ headers });
    expect(source.last().request.headers).toEqual({
      authorization: "Bearer a",
      "last-event-id": "first",
      accept: "x/z",
    });
    source.answer();
    source.send("id:second\n\n");
    source.lose();
    source.clock.advance(3_000);
    expect(source.lastEventId()).toBe("second");
  });
});

describe("an answer", () => {
  it.each([
    "text/event-stream",
    "TEXT/Event-Stream",
    "text/event-stream;",
    "text/event-stream ; charset=utf-8",
    "text/event-stream;charset=windows-1252",
    'text/event-stream;x="y"',
    " text/event-stream ",
    "text/html, text/event-stream",
  ])("200 with %j opens", (contentType) => {
    const { answer, fired } = start();
    answer(200, contentType);
    expect(fired()).toEqual(["open open"]);
  });

  it.each([
    null,
    "",
    "text/plain",
    "text/event-streams",
    "text/event-stream/x",
    "xtext/event-stream",
    "x text/event-stream",
    "text/event stream",
    "text/x-bogus",
    "text/html;text/event-stream",
    "text/event-stream, text/html",
  ])("200 with %j fails for good", (contentType) => {
    const { answer, fired, lifecycle, last, clock } = start();
    answer(200, contentType);
    expect(fired()).toEqual(["error closed"]);
    expect(lifecycle.state).toBe("closed");
    expect(last().aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it.each([201, 204, 205, 206, 210, 299, 300, 301, 304, 307, 400, 401, 403, 404, 407, 410, 429, 500, 502, 503, 504])(
    "%i fails for good, though it says text/event-stream",
    (status) => {
      const { answer, fired, lifecycle, last, clock } = start();
      answer(status);
      expect(fired()).toEqual(["error closed"]);
      expect(lifecycle.state).toBe("closed");
      expect(last().aborted).toBe(true);
      expect(clock.timers).toBe(0);
    },
  );

  it("that never comes, for the network's sake, is asked for again, without end", () => {
    const { lose, fired, requests, clock } = start();
    for (let count = 1; count <= 20; count += 1) {
      lose();
      expect(fired()).toEqual(["error connecting"]);
      clock.advance(2_999);
      expect(requests).toHaveLength(count);
      clock.advance(1);
      expect(requests).toHaveLength(count + 1);
    }
  });

  it("that can never come is not asked for again", () => {
    const { lose, fired, clock } = start({ url: "mailto:who@example.com" });
    lose();
    expect(fired()).toEqual(["error closed"]);
    expect(clock.timers).toBe(0);
  });

  it("that is no HTTP is read again all the same, when it was there", () => {
    const source = start({ url: "data:text/event-stream,data:x%0a%0a" });
    source.answer(200, "text/event-stream", "data:text/event-stream,data:x%0a%0a");
    source.send("data:x\n\n");
    source.lose();
    expect(source.fired()).toEqual(["open open", "message: x", "error connecting"]);
  });

  it("that the browser gives up fails for good", () => {
    const { last, fired, clock } = start();
    last().listener.aborted();
    expect(fired()).toEqual(["error closed"]);
    expect(clock.timers).toBe(0);
  });

  it("that ends, orderly or not, is asked for again after three seconds", () => {
    const { answer, send, lose, fired, requests, clock } = start();
    answer();
    send("data:x\n\n");
    lose();
    expect(fired()).toEqual(["open open", "message: x", "error connecting"]);
    clock.advance(2_999);
    expect(requests).toHaveLength(1);
    clock.advance(1);
    expect(requests).toHaveLength(2);
    answer();
    expect(fired()).toEqual(["open open"]);
  });

  it("204 after a connection ends it", () => {
    const { answer, lose, fired, clock } = start();
    answer();
    lose();
    clock.advance(3_000);
    answer(204, null);
    expect(fired()).toEqual(["open open", "error connecting", "error closed"]);
  });

  it("gives events the origin of the URL that it came from", () => {
    const origins: unknown[] = [];
    const source = start({ fire: (_, message) => origins.push(message?.origin) });
    source.answer(200, "text/event-stream", "https://elsewhere.example:8443/path");
    source.send("data:x\n\n");
    expect(origins).toEqual([undefined, "https://elsewhere.example:8443"]);
  });

  it("gives them that of the request where its own is not known", () => {
    const origins: unknown[] = [];
    const source = start({ fire: (_, message) => origins.push(message?.origin) });
    source.answer(200, "text/event-stream", "");
    source.send("data:x\n\n");
    expect(origins).toEqual([undefined, "https://example.com"]);
  });
});

describe("retry", () => {
  const waits = (...streams: readonly string[]) => {
    const source = start();
    source.answer();
    for (const each of streams) source.send(each);
    source.lose();
    const begun = source.clock.now();
    while (source.requests.length === 1 && source.clock.timers > 0) source.clock.advance(1);
    return source.clock.now() - begun;
  };

  it.each([
    ["retry:10\n", 10],
    ["retry: 7\r\n", 7],
    ["retry:03000\n", 3_000],
    ["retry:500\n\nretry:10x\ndata:x\n\n", 500],
    ["retry:500\nretry\nretry:\n", 500],
    ["retry:500\nretry:-1\nretry:+1\nretry:1e3\nretry:1.5\nretry: \nretry:  1\nretry:１\n", 500],
    ["Retry:5\n", 3_000],
    ["retry:1\nretry:2\n", 2],
  ])("%j makes it wait %i ms", (text, ms) => {
    expect(waits(text)).toBe(ms);
  });

  it("counts as soon as its line is read, also cut in pieces, and stays for later connections", () => {
    expect(waits(..."retry:20\n")).toBe(20);
    const source = start();
    source.answer();
    source.send("retry:50\n");
    for (let count = 2; count < 5; count += 1) {
      source.lose();
      source.clock.advance(49);
      expect(source.requests).toHaveLength(count - 1);
      source.clock.advance(1);
      expect(source.requests).toHaveLength(count);
      source.answer();
    }
  });

  it("0 comes back at the next turn", () => {
    const source = start();
    source.answer();
    source.send("retry:0\n");
    source.lose();
    expect(source.requests).toHaveLength(1);
    source.clock.advance(0);
    expect(source.requests).toHaveLength(2);
  });

  it.each(["99999999999", "9".repeat(400)])("%s waits as long as a timer can, and does not run over", (ms) => {
    const source = start();
    source.answer();
    source.send(`retry:${ms}\n`);
    source.lose();
    source.clock.advance(2 ** 31 - 2);
    expect(source.requests).toHaveLength(1);
    source.clock.advance(1);
    expect(source.requests).toHaveLength(2);
  });
});

describe("Last-Event-ID", () => {
  it("is the id of the last block that was whole, also of one without data", () => {
    const source = start();
    expect(source.lastEventId()).toBeUndefined();
    source.answer();
    source.send("id:1\ndata:a\n\nid:2\n\nid:3\ndata:half");
    source.lose();
    source.clock.advance(3_000);
    expect(source.lastEventId()).toBe("2");
  });

  it("stays over connections that say nothing of it, and those that fail", () => {
    const source = start();
    source.answer();
    source.send("id:1\n\n");
    for (let count = 0; count < 3; count += 1) {
      source.lose();
      source.clock.advance(3_000);
      expect(source.lastEventId()).toBe("1");
      source.lose();
      source.clock.advance(3_000);
      expect(source.lastEventId()).toBe("1");
      source.answer();
      source.send("data:x\n\n");
    }
  });

  it("is not sent once it was emptied", () => {
    const source = start();
    source.answer();
    source.send("id:1\n\nid\n\n");
    source.lose();
    source.clock.advance(3_000);
    expect(source.lastEventId()).toBeUndefined();
  });

  it("is a byte string of UTF-8", () => {
    const source = start();
    source.answer();
    source.send("id:…ü🙂%41\n\n");
    source.lose();
    source.clock.advance(3_000);
    expect(source.lastEventId()).toBe(Buffer.from("…ü🙂%41").toString("latin1"));
  });

  it("is on the events of the next connection, until that says another", () => {
    const ids: unknown[] = [];
    const source = start({ fire: (type, message) => type === "message" && ids.push(message?.lastEventId) });
    source.answer();
    source.send("id:1\ndata:a\n\n");
    source.lose();
    source.clock.advance(3_000);
    source.answer();
    source.send("data:b\n\nid:2\ndata:c\n\n");
    expect(ids).toEqual(["1", "1", "2"]);
  });
});

describe("close()", () => {
  it("aborts the request, and says nothing", () => {
    const { lifecycle, last, fired } = start();
    lifecycle.close();
    expect(lifecycle.state).toBe("closed");
    expect(last().aborted).toBe(true);
    lifecycle.close();
    expect(fired()).toEqual([]);
  });

  it("while it waits ends the wait", () => {
    const { lifecycle, lose, requests, clock } = start();
    lose();
    lifecycle.close();
    expect(clock.timers).toBe(0);
    clock.advance(10_000);
    expect(requests).toHaveLength(1);
  });

  it("in an event keeps those that came with it", () => {
    const source = start();
    source.onFire = (type) => type === "message" && source.lifecycle.close();
    source.answer();
    source.send("data:1\n\ndata:2\n\nevent:x\ndata:3\n\n");
    expect(source.fired()).toEqual(["open open", "message: 1"]);
  });

  it("in an event past maxResponseBytes does not come back", () => {
    const source = start({ maxResponseBytes: 1 });
    source.onFire = (type) => type === "message" && source.lifecycle.close();
    source.answer();
    source.send("id:1\ndata:1\n\n", 100);
    expect(source.requests).toHaveLength(1);
    expect(source.clock.timers).toBe(0);
  });

  it("in the event open receives nothing", () => {
    const source = start();
    source.onFire = () => source.lifecycle.close();
    source.answer();
    expect(source.fired()).toEqual(["open open"]);
    expect(source.last().aborted).toBe(true);
  });

  it("in an error does not come back", () => {
    const source = start();
    source.onFire = () => source.lifecycle.close();
    source.lose();
    expect(source.fired()).toEqual(["error connecting"]);
    expect(source.clock.timers).toBe(0);
    expect(source.lifecycle.state).toBe("closed");
  });
});

describe("reconnectOnServerError", () => {
  const reconnectOnServerError = true;

  it.each([500, 502, 503, 504, 599])("comes back after %i, with an error", (status) => {
    const { answer, fired, last, clock, requests } = start({ reconnectOnServerError });
    answer(status, "text/html");
    expect(fired()).toEqual(["error connecting"]);
    expect(last().aborted).toBe(true);
    clock.advance(4_000);
    expect(requests).toHaveLength(2);
  });

  it.each([204, 301, 400, 404, 429, 499])("fails for good after %i all the same", (status) => {
    const { answer, fired } = start({ reconnectOnServerError });
    answer(status);
    expect(fired()).toEqual(["error closed"]);
  });

  it("fails for good after another MIME type all the same", () => {
    const { answer, fired } = start({ reconnectOnServerError });
    answer(200, "text/html");
    expect(fired()).toEqual(["error closed"]);
  });

  /** How long it waits after each of so many answers in a row. */
  function waits(random: number, count: number): number[] {
    const clock = Object.assign(new ManualClock(), { random: () => random });
    const source = start({ reconnectOnServerError, clock });
    return Array.from({ length: count }, () => {
      const begun = clock.now();
      const before = source.requests.length;
      source.answer(503, "text/plain");
      while (source.requests.length === before) clock.advance(1);
      return clock.now() - begun;
    });
  }

  it("waits at least as long as the stream says, and at random up to a ceiling that doubles to half a minute", () => {
    expect(waits(0, 8)).toEqual(Array(8).fill(3_000));
    const extra = [1, 2, 4, 8, 16, 30, 30, 30].map((s) => s * 1_000);
    expect(waits(0.5, 8)).toEqual(extra.map((ms) => 3_000 + ms / 2));
  });

  it("begins anew with small waits once a connection was open, and waits no more after a lost one", () => {
    const clock = Object.assign(new ManualClock(), { random: () => 0.999 });
    const source = start({ reconnectOnServerError, clock });
    for (let count = 0; count < 5; count += 1) {
      source.answer(503);
      clock.advance(60_000);
    }
    source.answer();
    source.lose();
    clock.advance(3_000);
    expect(source.requests).toHaveLength(7);
    source.answer(503);
    clock.advance(3_999);
    expect(source.requests).toHaveLength(8);
  });
});
