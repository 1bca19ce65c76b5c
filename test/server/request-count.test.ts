/** Whether a connection is between two requests, as its bytes tell. */

import { describe, expect, it } from "vitest";
import { countRequests } from "../e2e/http-requests.ts";
import { rawConnection } from "../e2e/raw-connection.ts";
import { serve } from "../e2e/serve.ts";

const REQUEST = "GET /channels/news?wait=0&from=earliest HTTP/1.1\r\nHost: test\r\n\r\n";

describe("a connection whose packets begin in the middle of requests", () => {
  it.each([1, 10, 30, REQUEST.length - 1])("stays with node:http: cut after %i bytes", async (at) => {
    const { port, server, url } = await serve();
    const requests = countRequests(server);
    const client = await rawConnection(port);
    const packets = [
      REQUEST + REQUEST.slice(0, at),
      REQUEST.slice(at) + REQUEST.slice(0, at),
      REQUEST.slice(at),
      REQUEST,
    ];
    for (const packet of packets) {
      client.send(packet);
      await (await rawConnection(port)).request("GET", "/healthz").response();
    }
    for (let n = 0; n < 4; n += 1) expect((await client.response()).status).toBe(200);
    expect(requests()).toBe(4 + packets.length);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("stays with node:http while a whole request waits behind the one that is answered", async () => {
    const { port, store, hub } = await serve();
    const client = await rawConnection(port);
    const poll = `GET /channels/news?transport=long-poll&from=${await hub.cursor("news")} HTTP/1.1\r\nHost: test\r\n\r\n`;
    client.send(poll);
    await store.whenFollowed(1);
    client.send(poll);
    await (await rawConnection(port)).request("GET", "/healthz").response();
    await hub.publish("news", "x");
    for (let n = 0; n < 2; n += 1) expect((await client.response()).json()).toMatchObject({ events: [{ data: "x" }] });
    expect((await client.request("GET", "/healthz").response()).status).toBe(200);
  });

  it("is taken where there are other requests between, each in packets of its own", async () => {
    const { port, server } = await serve();
    const requests = countRequests(server);
    const client = await rawConnection(port);
    expect((await client.request("GET", "/healthz").response()).status).toBe(200);
    expect((await client.request("POST", "/channels/news", {}, "x").response()).status).toBe(201);
    for (let n = 0; n < 3; n += 1) {
      client.send(REQUEST);
      expect((await client.response()).status).toBe(200);
    }
    expect(requests()).toBe(3);
  });

  it.each([
    ["without a space behind the colon", "Host:test"],
    ["with two of them", "Host:  test"],
  ])("stays with node:http where its heads are written %s", async (_, field) => {
    const { port, server } = await serve();
    const requests = countRequests(server);
    const client = await rawConnection(port);
    for (let n = 0; n < 3; n += 1) {
      client.send(REQUEST.replace("Host: test", field));
      expect((await client.response()).status).toBe(200);
    }
    expect(requests()).toBe(3);
  });
});
