import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { attach, createHub, memoryStore, TailwireError } from "../../src/index.ts";

describe("a store that is away", () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(() => Promise.all(ends.splice(0).map((end) => end())));

  async function serve() {
    const away = () => Promise.reject(new TailwireError("store_unavailable", "it is away"));
    const hub = createHub({ store: { ...storeOf(), append: away } });
    const server = createServer();
    attach(server, hub);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(() => hub.close().then(() => new Promise((resolve) => server.close(resolve))));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/channels/news`;
  }

  it("answers a publish with 503 and when to try again", async () => {
    const answer = await fetch(await serve(), { method: "POST", body: "hello" });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await answer.json()).toMatchObject({ code: "store_unavailable" });
  });

  it("says so of the line of NDJSON that it could not take", async () => {
    const headers = { "Content-Type": "application/x-ndjson" };
    const answer = await fetch(await serve(), { method: "POST", headers, body: '"a"\n"b"\n' });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});

function storeOf() {
  const store = memoryStore();
  return { read: store.read.bind(store), follow: store.follow.bind(store) };
}
