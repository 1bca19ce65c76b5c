/** Networks that answer in the server's place, or let nobody answer. */

import { describe, expect, test } from "vitest";
import { badGateway, inSeries, neverAnswer, stripUpgrade, transparent } from "../../../src/testing/index.ts";
import { ask, between, crlf, ending, GET, HANDSHAKE, requestHead, turns } from "./stage.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

describe("stripUpgrade", () => {
  test("400: answers a handshake with 400, and lets everything else through", async () => {
    const net = await between(stripUpgrade({ answer: 400 }));
    const client = await net.client();
    client.send(HANDSHAKE);
    expect(await client.response()).toMatchObject({
      status: 400,
      headers: { "content-type": "text/html; charset=utf-8" },
    });
    expect(await ending(client)).toBe("fin");
    const other = await ask(net);
    other.server.send(OK);
    expect((await other.client.response()).body).toBe("hi");
    expect(net.proxy.counts).toMatchObject({ requests: 2, faults: 1 });
  });

  test("200: passes a handshake on as an ordinary request, and its answer back", async () => {
    const net = await between(stripUpgrade({ answer: 200 }));
    const { client, server, lines } = await ask(net, HANDSHAKE);
    expect(lines).toEqual(["GET /ws HTTP/1.1", "Host: test", "Sec-WebSocket-Key: k", "Connection: close"]);
    server.send(OK);
    expect(await client.response()).toMatchObject({ status: 200, body: "hi" });
    client.send(GET);
    await requestHead(await net.server());
    expect(net.proxy.counts).toMatchObject({ connections: 1, requests: 2, faults: 1 });
  });

  test("swallow: takes a handshake, and never answers", async () => {
    const net = await between(stripUpgrade({ answer: "swallow" }));
    const client = await net.client();
    client.send(HANDSHAKE);
    await turns();
    expect([client.quiet, client.socket.readableEnded, net.proxy.counts.faults]).toEqual([true, false, 1]);
    client.end();
    expect(await ending(client)).toBe("fin");
  });

  test("spares handshakes that are not meant", async () => {
    const net = await between(stripUpgrade({ answer: 400, only: ({ url }) => url !== "/ws" }));
    expect((await ask(net, HANDSHAKE)).lines).toContain("Upgrade: websocket");
  });
});

describe("badGateway", () => {
  test("answers 502 with a page for so long from the first request, and then lets all through", async () => {
    const net = await between(badGateway(1000));
    net.clock.advance(5000);
    const client = await net.client();
    for (const ms of [999, 1]) {
      client.send(GET);
      const answer = await client.response();
      expect(answer).toMatchObject({ status: 502, headers: { "content-type": "text/html; charset=utf-8" } });
      expect(answer.body).toMatch(/^<!DOCTYPE html>/);
      net.clock.advance(ms);
    }
    client.send(GET);
    (await net.server()).send(OK);
    expect((await client.response()).body).toBe("hi");
    expect(net.proxy.counts).toMatchObject({ connections: 1, requests: 3, faults: 2 });
  });

  test("answers handshakes in the same way", async () => {
    const client = await (await between(badGateway(1000))).client();
    client.send(HANDSHAKE);
    expect((await client.response()).status).toBe(502);
    expect(await ending(client)).toBe("fin");
  });

  test("lets the time of what is not meant go by", async () => {
    const net = await between(badGateway(1000, { only: ({ method }) => method === "POST" }));
    const { client, server } = await ask(net);
    server.send(OK);
    await client.response();
    net.clock.advance(1000);
    client.request("POST", "/", {}, "body");
    expect((await client.response()).status).toBe(502);
  });
});

describe("neverAnswer", () => {
  test("takes requests and never answers them, while the client waits", async () => {
    const net = await between(neverAnswer());
    for (const request of [GET, HANDSHAKE, crlf("POST / HTTP/1.1\nHost: test\nContent-Length: 2")]) {
      const client = await net.client();
      client.send(request);
      await turns();
      expect([client.quiet, client.socket.readableEnded]).toEqual([true, false]);
      client.end();
      expect(await ending(client)).toBe("fin");
    }
    expect(net.proxy.counts).toMatchObject({ connections: 3, requests: 3, faults: 3, cuts: 0 });
  });

  test.each([
    ["the first two", neverAnswer({ first: 2 }), () => {}],
    ["for so long", neverAnswer({ forMs: 1000 }), (advance: (ms: number) => void) => advance(1000)],
  ])("lets others through: %s", async (_, network, pass) => {
    const net = await between(network);
    const lost = [await net.client(), await net.client()];
    for (const client of lost) client.send(GET);
    await turns();
    pass((ms) => net.clock.advance(ms));
    const { client, server } = await ask(net);
    server.send(OK);
    expect((await client.response()).body).toBe("hi");
    expect(lost.map(({ quiet }) => quiet)).toEqual([true, true]);
  });

  test("lets what is not meant through", async () => {
    const net = await between(neverAnswer({ only: ({ headers }) => headers.upgrade !== undefined }));
    (await net.client()).send(HANDSHAKE);
    const { client, server } = await ask(net);
    server.send(OK);
    expect((await client.response()).body).toBe("hi");
    expect(net.proxy.counts.faults).toBe(1);
  });

  test("answer: the server is asked, and what it says is lost", async () => {
    const net = await between(neverAnswer({ first: 1, loses: "answer" }));
    const { client, server } = await ask(net);
    server.send(OK);
    await turns();
    expect(client.quiet).toBe(true);
    const next = await ask(net);
    next.server.send(OK);
    expect((await next.client.response()).body).toBe("hi");
    client.reset();
    await ending(server);
  });
});

describe("networks in series", () => {
  test("are one behind the other, and count together", async () => {
    const net = await between(inSeries(stripUpgrade({ answer: 400 }), transparent(), badGateway(1000)));
    const client = await net.client();
    client.send(GET);
    expect((await client.response()).status).toBe(502);
    const other = await net.client();
    other.send(HANDSHAKE);
    expect((await other.response()).status).toBe(400);
    expect(net.proxy.counts).toMatchObject({ connections: 2, requests: 2, faults: 2, cuts: 0, overflows: 0 });
  });

  test("are named by what each does", () => {
    const { name } = inSeries(stripUpgrade({ answer: 400 }), badGateway(1000));
    expect(name).toBe("answers WebSocket handshakes with 400, and answers 502 for 1000 ms");
  });

  test("are at least one, before an http: URL", async () => {
    expect(() => inSeries()).toThrow(expect.objectContaining({ code: "misuse" }));
    await expect(inSeries(transparent(), transparent()).start("ftp://x")).rejects.toThrow("http:");
  });
});
