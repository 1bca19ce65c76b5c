/** Networks that work on bytes, byte by byte. */

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  blackHole,
  cutAfterBytes,
  cutAfterMs,
  delay,
  type ManualClock,
  transparent,
} from "../../../src/testing/index.ts";
import { eventually, turn } from "../../../src/testing/waiting.ts";
import { type RawConnection, rawConnection } from "../../e2e/raw-connection.ts";
import { ask, type Between, between, ending, GET, rawServer, stalled, turns } from "./stage.ts";

const MIB = 1024 * 1024;

/** Both ends of a connection through the network. */
async function connected(net: Between): Promise<{ client: RawConnection; server: RawConnection }> {
  const client = await net.client();
  return { client, server: await net.server() };
}

describe("transparent", () => {
  test("passes bytes on in both directions as they are", async () => {
    const net = await between(transparent());
    const { client, server } = await connected(net);
    const [up, down] = [randomBytes(300_000), randomBytes(300_000)];
    client.send(up);
    server.send(down);
    expect((await server.take(up.length)).equals(up)).toBe(true);
    expect((await client.take(down.length)).equals(down)).toBe(true);
    expect(net.proxy.counts).toMatchObject({
      connections: 1,
      faults: 0,
      cuts: 0,
      bytesToServer: 300_000,
      bytesToClient: 300_000,
    });
  });

  test("passes on that a client has ended its side, and what the server says after that", async () => {
    const { client, server } = await connected(await between(transparent()));
    client.send(GET).end();
    expect(await server.rest()).toBe(GET);
    server.send("late").end();
    expect(await client.rest()).toBe("late");
  });

  test("passes on that a server has ended its side, and what the client says after that", async () => {
    const net = await between(transparent());
    const { server, client } = await connected(net);
    client.socket.allowHalfOpen = true;
    server.send("bye").end();
    expect(await client.rest()).toBe("bye");
    client.send("late").end();
    expect(await server.rest()).toBe("late");
  });

  test("passes a reset on as a reset, in either direction", async () => {
    const net = await between(transparent());
    const first = await connected(net);
    first.client.reset();
    expect(await ending(first.server)).toBe("reset");
    const second = await connected(net);
    second.server.reset();
    expect(await ending(second.client)).toBe("reset");
  });

  test("passes on that a client is gone that had ended its side before", async () => {
    const { client, server } = await connected(await between(transparent()));
    client.send(GET).end();
    await server.rest();
    client.reset();
    while (!server.socket.destroyed) {
      server.send("more");
      await turn();
    }
  });

  test.each([
    ["server", "client"],
    ["client", "server"],
  ] as const)("takes no more from the %s than the %s takes", async (from, to) => {
    const ends = await connected(await between(transparent()));
    const [source, target] = [ends[from].socket, ends[to].socket];
    target.removeAllListeners("data").pause();
    for (let n = 0; n < 64; n += 1) source.write(randomBytes(MIB));
    await stalled(source);
    expect(source.writableLength).toBeGreaterThan(16 * MIB);
    target.resume();
    await eventually("all has arrived", () => target.bytesRead === 64 * MIB);
  });

  test("resets the connection where the server cannot be reached", async () => {
    const gone = await transparent().start((await rawServer()).url);
    await gone.close();
    const client = await (await between(transparent(), gone.url)).client();
    expect(await ending(client)).toBe("reset");
  });

  test("keeps the server's path, and ends all connections when it is closed", async () => {
    const upstream = await rawServer("/push/?a=b");
    const proxy = await transparent().start(upstream.url);
    expect(proxy.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/push\/\?a=b$/);
    const client = await rawConnection(Number(new URL(proxy.url).port));
    const server = await upstream.accepted();
    await Promise.all([proxy.close(), proxy.close()]);
    await Promise.all([ending(client), ending(server)]);
    expect(proxy.counts).toMatchObject({ connections: 1, cuts: 0 });
  });

  test("goes only before what HTTP can reach", async () => {
    for (const url of ["https://127.0.0.1/", "127.0.0.1:80", ""]) {
      await expect(transparent().start(url)).rejects.toThrow(expect.objectContaining({ code: "misuse" }));
    }
  });
});

describe("cutAfterMs", () => {
  test("ends a connection so long after its first request", async () => {
    const net = await between(cutAfterMs(250));
    const { client, server } = await connected(net);
    net.clock.advance(1000); // nothing was asked for yet
    client.send(GET);
    await server.takeTo("\r\n\r\n");
    server.send("begun");
    await client.take(5);
    net.clock.advance(249);
    server.send(", not over");
    await client.take(10);
    expect(net.proxy.counts.cuts).toBe(0);
    net.clock.advance(1);
    expect([await ending(client), net.proxy.counts.cuts]).toEqual(["fin", 1]);
    await ending(server);
    expect(net.clock.timers).toBe(0);
  });

  test("or so long after its begin, with a reset where that is wanted", async () => {
    const net = await between(cutAfterMs(250, { since: "connection", ending: "reset" }));
    const { client } = await connected(net);
    net.clock.advance(250);
    expect(await ending(client)).toBe("reset");
  });

  test("spares connections whose first request is not meant", async () => {
    const net = await between(cutAfterMs(250, { only: ({ url }) => url !== "/" }));
    const { client, server } = await ask(net, GET);
    net.clock.advance(1000);
    server.send("still there");
    await client.take(11);
    const { client: other } = await ask(net, "GET /other HTTP/1.1\r\nHost: test\r\n\r\n");
    net.clock.advance(250);
    expect(await ending(other)).toBe("fin");
    expect(net.proxy.counts).toMatchObject({ connections: 2, requests: 2, cuts: 1 });
  });

  test("holds no timer for a connection that is gone", async () => {
    const net = await between(cutAfterMs(250, { since: "connection" }));
    const { client } = await connected(net);
    client.reset();
    await eventually("the timer is gone", () => net.clock.timers === 0);
  });
});

describe("cutAfterBytes", () => {
  test.each(["fin", "reset"] as const)("lets exactly so many bytes reach the client, then %s", async (kind) => {
    const net = await between(cutAfterBytes(10, { ending: kind }));
    for (const pieces of [["0123456789abc"], ["01234567", "89abc"], [..."0123456789a"]]) {
      const { client, server } = await connected(net);
      for (const piece of pieces) server.send(piece);
      expect((await client.take(10)).toString()).toBe("0123456789");
      expect([await ending(client), client.quiet]).toEqual([kind, true]);
      await ending(server);
    }
    expect(net.proxy.counts).toMatchObject({ cuts: 3, faults: 3, bytesToClient: 30 });
  });

  test("does not count what goes to the server, and lets shorter answers be", async () => {
    const net = await between(cutAfterBytes(10));
    const { client, server } = await connected(net);
    client.send(GET);
    await server.takeTo("\r\n\r\n");
    server.send("short").end();
    expect(await client.rest()).toBe("short");
    expect(net.proxy.counts.cuts).toBe(0);
  });
});

describe("blackHole", () => {
  test("lets nothing through any more after so many bytes, and tells nobody", async () => {
    const net = await between(blackHole({ afterBytes: 10 }));
    const { client, server } = await connected(net);
    client.send(GET);
    await server.takeTo("\r\n\r\n");
    server.send("0123456789abc");
    expect((await client.take(10)).toString()).toBe("0123456789");
    await eventually("it is dark", () => net.proxy.counts.faults === 1);
    client.send("anybody there?");
    server.send("hello?").end();
    await turns();
    expect([client.quiet, server.quiet]).toEqual([true, true]);
    expect([client.socket.readableEnded, client.socket.destroyed]).toEqual([false, false]);
    client.reset();
    await turns();
    expect([server.socket.readableEnded, server.socket.destroyed, net.proxy.counts.cuts]).toEqual([false, false, 0]);
  });

  test("or after so long, or from the first request on", async () => {
    const late = await between(blackHole({ afterMs: 100 }));
    const { client, server } = await ask(late, GET);
    server.send("before");
    await client.take(6);
    late.clock.advance(100);
    server.send("after");
    const dark = await between(blackHole());
    const both = await ask(dark, GET);
    both.server.send("never");
    await turns();
    expect([client.quiet, both.client.quiet]).toEqual([true, true]);
  });

  test("takes little from a server that goes on", async () => {
    const { client, server } = await connected(await between(blackHole({ afterBytes: 1 })));
    server.send("x");
    await client.take(1);
    for (let n = 0; n < 32; n += 1) server.send(randomBytes(MIB));
    await stalled(server.socket);
    expect(server.socket.writableLength).toBeGreaterThan(8 * MIB);
  });
});

describe("delay", () => {
  test.each([
    ["to-client", "server", "client"],
    ["to-server", "client", "server"],
  ] as const)("%s: lets what goes there arrive so much later, its end too", async (direction, from, to) => {
    const net = await between(delay(direction, 100));
    const ends = await connected(net);
    const [source, target] = [ends[from], ends[to]];
    target.send("the other way at once");
    await source.take(21);
    source.send("a");
    await timers(net.clock, 1);
    net.clock.advance(60);
    source.send("b").end();
    await timers(net.clock, 3);
    net.clock.advance(39);
    await turns();
    expect(target.quiet).toBe(true);
    net.clock.advance(1);
    expect((await target.take(1)).toString()).toBe("a");
    net.clock.advance(59);
    await turns();
    expect(target.quiet).toBe(true);
    net.clock.advance(1);
    expect(await target.rest()).toBe("b");
    expect(net.proxy.counts).toMatchObject({ faults: 1, cuts: 0 });
  });

  test("lets a reset arrive later, too, behind what was sent before it", async () => {
    const net = await between(delay("to-client", 100));
    const { client, server } = await connected(net);
    server.send("last words");
    await timers(net.clock, 1);
    net.clock.advance(10);
    server.reset();
    await timers(net.clock, 2);
    net.clock.advance(90);
    expect((await client.take(10)).toString()).toBe("last words");
    net.clock.advance(10);
    expect(await ending(client)).toBe("reset");
  });

  test("holds no more than it may; the sender waits", async () => {
    const net = await between(delay("to-client", 100, { maxHeldBytes: MIB }));
    const { client, server } = await connected(net);
    client.socket.removeAllListeners("data").resume();
    for (let n = 0; n < 64; n += 1) server.send(randomBytes(MIB));
    await stalled(server.socket);
    expect(server.socket.writableLength).toBeGreaterThan(32 * MIB);
    while (client.socket.bytesRead < 64 * MIB) {
      net.clock.advance(100);
      await turn();
    }
  });

  test("forgets what is under way to a client that is gone", async () => {
    const net = await between(delay("to-client", 100));
    const { client, server } = await connected(net);
    server.send("never to arrive");
    await timers(net.clock, 1);
    client.reset();
    await ending(server);
    expect(net.clock.timers).toBe(0);
  });

  test("delays only connections that are meant", async () => {
    const net = await between(delay("to-server", 100, { only: ({ headers }) => headers.host !== "test" }));
    const { server } = await ask(net, GET);
    expect(net.proxy.counts.faults).toBe(0);
    const client = await net.client();
    client.send("nonsense\r\n\r\n");
    expect(await (await net.server()).takeTo("\r\n\r\n")).toBe("nonsense");
    server.end();
  });
});

async function timers(clock: ManualClock, count: number): Promise<void> {
  await eventually(`${count} timers run`, () => clock.timers === count);
}
