/** What stands in the heads and bodies of answers (PROTOCOL.md, "Routes"), from a bare socket. */

import { createServer, type IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { createHandler, createHub } from "../../src/index.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { listen, type Served, serve } from "../e2e/serve.ts";

const POSITION = /^[a-z0-9]{8}:\d+$/;
const METHODS = "GET, HEAD, POST, DELETE, OPTIONS";

async function connected(): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve();
  return { ...served, client: await rawConnection(served.port) };
}

describe("an endless answer", () => {
  it.each([
    ["stream", "application/x-ndjson", /^\{"type":"\$open".*"transport":"stream".*\}\n$/],
    [
      "sse",
      "text/event-stream",
      /^event: \$open\ndata: \{"type":"\$open".*"transport":"sse".*\}\nid: [a-z0-9]{8}:0\n\n$/,
    ],
  ])("%s has its head and $open out at once, and no cache or proxy may hold it", async (transport, type, open) => {
    const { client } = await connected();
    const { status, headers } = await client.request("GET", `/channels/news?transport=${transport}`).head();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": type,
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "transfer-encoding": "chunked",
      "tailwire-cursor": expect.stringMatching(POSITION),
    });
    expect(headers).not.toHaveProperty("content-length");
    expect(headers).not.toHaveProperty("content-encoding");
    expect(await client.chunk()).toMatch(open);
  });

  it("is plain text to a browser that opens the URL, which would download NDJSON without end", async () => {
    const { client } = await connected();
    const navigation = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
    const { headers } = await client.request("GET", "/channels/news", navigation).head();
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(await client.message()).toMatchObject({ type: "$open", transport: "stream" });
  });

  it("leaves its connection with node:http only where somebody else may look at the request", async () => {
    const requests: IncomingMessage[] = [];
    const note = (req: IncomingMessage) => void requests.push(req);
    const alone = await serve();
    alone.server.prependOnceListener("request", note); // gone before the request is served
    const beside = await serve();
    beside.server.on("request", note);
    const hub = createHub();
    const handler = createHandler(hub);
    const mounted = await listen(createServer((req, res) => handler(req, res)).on("request", note));
    for (const { port } of [alone, beside, mounted]) {
      const client = await rawConnection(port);
      await client.request("GET", "/channels/news").head();
      expect(await client.message()).toMatchObject({ type: "$open" });
    }
    const served = requests.map(({ socket }) => socket.listeners("data").map(({ name }) => name));
    expect(served).toEqual([["pause"], ["bound socketOnData"], ["bound socketOnData"]]);
    await hub.close();
  });

  it("says in $open where it begins, how long a silence may be, and when", async () => {
    const { client } = await connected();
    const { headers } = await client.request("GET", "/channels/news").head();
    expect(await client.message()).toEqual({
      type: "$open",
      cursor: headers["tailwire-cursor"],
      heartbeatMs: 15_000,
      transport: "stream",
      time: expect.closeTo(Date.now(), -5),
    });
  });

  it("over several channels has a cursor that names them", async () => {
    const { client, hub } = await connected();
    await hub.publish("one", 1);
    const { headers } = await client.request("GET", "/channels/one,two").head();
    expect(headers["tailwire-cursor"]).toMatch(/^one=[a-z0-9]{8}:1,two=[a-z0-9]{8}:0$/);
    expect(await client.message()).toMatchObject({ type: "$open", cursor: headers["tailwire-cursor"] });
  });

  it("takes percent-encoded names and commas as what they stand for", async () => {
    const { client, hub } = await connected();
    await client.request("GET", "/channels/%6Fne%2Ctwo%3a2?from=now").head();
    expect(await client.message()).toMatchObject({ cursor: expect.stringMatching(/^one=.*,two:2=.*$/) });
    await hub.publish("two:2", "hello");
    expect(await client.message()).toMatchObject({ channel: "two:2", data: "hello" });
  });
});

describe("the transport is chosen", () => {
  it.each([
    [{}, "application/x-ndjson"],
    [{ Accept: "*/*" }, "application/x-ndjson"],
    [{ Accept: "application/x-ndjson" }, "application/x-ndjson"],
    [{ Accept: "text/event-stream" }, "text/event-stream"],
    [{ Accept: "application/json;q=0.5, text/event-stream" }, "text/event-stream"],
    [{ Accept: "application/json" }, "application/json"],
  ])("by %j: %s", async (accept, type) => {
    const { client, hub } = await connected();
    await hub.publish("news", 1);
    const { headers } = await client.request("GET", "/channels/news?from=-1", accept).head();
    expect(headers["content-type"]).toBe(type);
  });

  it("by wait, of any Accept that allows JSON", async () => {
    const { client } = await connected();
    const { headers } = await client.request("GET", "/channels/news?wait=0", { Accept: "*/*" }).response();
    expect(headers["content-type"]).toBe("application/json");
  });
});

describe("HEAD, OPTIONS and DELETE", () => {
  it("HEAD gives the cursor that a stream goes on from without a gap", async () => {
    const { client, hub } = await connected();
    await hub.publish("news", "rendered");
    const head = await client.request("HEAD", "/channels/news").response("HEAD");
    expect([head.status, head.headers["tailwire-cursor"]]).toEqual([200, expect.stringMatching(/:1$/)]);
    await hub.publish("news", "after");
    await client.request("GET", `/channels/news?from=${head.headers["tailwire-cursor"]}`).head();
    await client.message();
    expect(await client.message()).toMatchObject({ data: "after" });
  });

  it("HEAD of several channels gives the cursor over them", async () => {
    const { client } = await connected();
    const { headers } = await client.request("HEAD", "/channels/one,two").response("HEAD");
    expect(headers["tailwire-cursor"]).toMatch(/^one=[a-z0-9]{8}:0,two=[a-z0-9]{8}:0$/);
  });

  it("OPTIONS names the methods", async () => {
    const { client } = await connected();
    const channels = await client.request("OPTIONS", "/channels/news").response();
    expect([channels.status, channels.headers.allow]).toEqual([204, METHODS]);
    const health = await client.request("OPTIONS", "/healthz").response();
    expect([health.status, health.headers.allow]).toEqual([204, "GET, HEAD, OPTIONS"]);
  });

  it("DELETE purges: the next event begins a new epoch, and a reader is told", async () => {
    const { client, hub, port } = await connected();
    const { id } = await hub.publish("news", "old");
    const reader = await rawConnection(port);
    await reader.request("GET", `/channels/news?from=${id}`).head();
    await reader.message();
    const { status, headers } = await client.request("DELETE", "/channels/news").response();
    expect(status).toBe(204);
    expect(headers).not.toHaveProperty("content-length");
    const next = await hub.publish("news", "new");
    expect(next.id.split(":")[0]).not.toBe(id.split(":")[0]);
    expect(next.id).toMatch(/:1$/);
    expect(await toEvent(reader)).toMatchObject([{ type: "$gap", reason: "epoch", after: id }, { data: "new" }]);
  });

  it("DELETE of several channels is refused", async () => {
    const { client } = await connected();
    expect((await client.request("DELETE", "/channels/one,two").response()).json()).toMatchObject({
      status: 400,
      code: "invalid_channel",
    });
  });

  it.each(["/healthz", "/readyz"])("%s answers GET and HEAD", async (path) => {
    const { client } = await connected();
    expect((await client.request("GET", path).response()).json()).toEqual({ status: "ok" });
    expect((await client.request("HEAD", path).response("HEAD")).status).toBe(200);
  });
});

describe("what a route or method is not", () => {
  it.each(["/", "/channels", "/channel/news", "/healthz/x", "/healthz2", "/readyz/"])("%s is 404", async (path) => {
    const { client } = await connected();
    const { status, headers, json } = await client.request("GET", path).response();
    expect([status, headers["content-type"]]).toEqual([404, "application/problem+json"]);
    expect(json()).toMatchObject({ type: "about:blank", title: "Not Found", status: 404, code: "not_found" });
  });

  it.each([
    ["PUT", "/channels/news", METHODS],
    ["PATCH", "/channels/news", METHODS],
    ["POST", "/healthz", "GET, HEAD, OPTIONS"],
    ["DELETE", "/healthz", "GET, HEAD, OPTIONS"],
    ["POST", "/readyz", "GET, HEAD, OPTIONS"],
  ])("%s %s is 405 with Allow", async (method, path, allow) => {
    const { client } = await connected();
    const { status, headers, json } = await client.request(method, path).response();
    expect([status, headers.allow]).toEqual([405, allow]);
    expect(json()).toMatchObject({ status: 405, code: "method_not_allowed" });
  });
});

describe("under a base path", () => {
  it("only what is under it is Tailwire's", async () => {
    const { port } = await serve({
      path: "/push/",
      before: (server) => server.on("request", (_, res) => res.end("the app's own")),
    });
    const client = await rawConnection(port);
    expect((await client.request("GET", "/push/channels/news?wait=0").response()).json()).toHaveProperty("cursor");
    for (const path of ["/", "/channels/news", "/pushed/channels/news", "/push", "/push/other"]) {
      expect((await client.request("GET", path).response()).body).toBe("the app's own");
    }
  });
});

describe("polls", () => {
  it("give as many events as limit asks for, up to about a mebibyte", async () => {
    const { port, hub } = await serve({
      hub: { store: memoryStore({ retention: { maxEvents: 5000, maxBytes: 1e9 } }) },
    });
    const client = await rawConnection(port);
    for (let count = 0; count < 3000; count += 1) await hub.publish("news", count);
    for (const [limit, events] of [
      [2500, 2500],
      [10_000, 3000],
    ]) {
      const { json } = await client.request("GET", `/channels/news?wait=0&from=earliest&limit=${limit}`).response();
      expect(json().events).toHaveLength(events ?? 0);
    }
    for (let count = 0; count < 30; count += 1) await hub.publish("large", "x".repeat(100_000));
    const { json } = await client.request("GET", "/channels/large?wait=0&from=earliest").response();
    expect(json().events).toHaveLength(10);
  });

  it("carry a cursor that continues without loss, also where limit cuts", async () => {
    const { client, hub } = await connected();
    for (let count = 1; count <= 5; count += 1) await hub.publish("news", count);
    let from = "earliest";
    const seen: unknown[] = [];
    while (seen.length < 5) {
      const { headers, json } = await client.request("GET", `/channels/news?wait=0&limit=2&from=${from}`).response();
      const { cursor, events } = json() as { cursor: string; events: { data: unknown }[] };
      expect(events.length).toBeLessThanOrEqual(2);
      expect(headers).toMatchObject({ "tailwire-cursor": cursor, etag: `"${cursor}"`, "cache-control": "no-store" });
      seen.push(...events.map(({ data }) => data));
      from = cursor;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it("answer 304 to If-None-Match where nothing is new, and with what is new where something is", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", 1);
    for (const tag of [`"${id}"`, `W/"${id}"`]) {
      const same = await client.request("GET", "/channels/news?wait=0", { "If-None-Match": tag }).response();
      expect([same.status, same.headers.etag, same.headers["tailwire-cursor"]]).toEqual([304, `"${id}"`, id]);
      expect(same.body).toBe("");
    }
    await hub.publish("news", 2);
    const news = await client.request("GET", "/channels/news?wait=0", { "If-None-Match": `"${id}"` }).response();
    expect([news.status, news.json().events]).toMatchObject([200, [{ data: 2 }]]);
  });

  it("answer 304 also when a long poll has waited in vain", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", 1);
    const path = "/channels/news?transport=long-poll&wait=0.01";
    expect((await client.request("GET", path, { "If-None-Match": `"${id}"` }).response()).status).toBe(304);
    const empty = await client.request("GET", `${path}&from=${id}`).response();
    expect([empty.status, empty.json()]).toEqual([200, { cursor: id, events: [] }]);
  });

  it("a long poll is answered by the first event", async () => {
    const { client, hub, store } = await connected();
    client.request("GET", "/channels/one,two", { Accept: "application/json" });
    await store.whenFollowed(2);
    await hub.publish("two", { n: 1 });
    const { status, json } = await client.response();
    expect([status, json()]).toMatchObject([
      200,
      { cursor: expect.stringMatching(/^one=.*:0,two=.*:1$/), events: [{ channel: "two", data: { n: 1 } }] },
    ]);
    await store.whenFollowed(0);
  });
});

describe("Tailwire-Cursor", () => {
  it("is on every answer to do with a channel", async () => {
    const { client } = await connected();
    const cursors: (string | undefined)[] = [];
    const note = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
      cursors.push(headers["tailwire-cursor"]);
    note(await client.request("POST", "/channels/news", {}, "one").response());
    const lines = { "Content-Type": "application/x-ndjson" };
    note(await client.request("POST", "/channels/news", lines, "1\n2\n").response());
    note(await client.request("POST", "/channels/news", lines, "").response());
    note(await client.request("HEAD", "/channels/news").response("HEAD"));
    note(await client.request("GET", "/channels/news?wait=0").response());
    note(await client.request("DELETE", "/channels/news").response());
    note(await client.request("GET", "/channels/news").head());
    expect(cursors.map((cursor) => cursor?.split(":")[1])).toEqual(["1", "3", "3", "3", "3", "0", "0"]);
  });
});

describe("Last-Event-ID", () => {
  it.each(["sse", "stream", "poll"])("wins over from: %s", async (transport) => {
    const { client, hub } = await connected();
    const ids: string[] = [];
    for (const text of ["first", "second", "third"]) ids.push((await hub.publish("news", text)).id);
    const again = { "Last-Event-ID": ids[1] ?? "" };
    client.request("GET", `/channels/news?transport=${transport}&from=earliest`, { ...again, Connection: "close" });
    await client.head();
    const body = await client.takeTo("third");
    expect(body).not.toContain("first");
    expect(body).not.toContain("second");
  });

  it("that is empty counts for nothing", async () => {
    const { client, hub } = await connected();
    await hub.publish("news", "first");
    client.request("GET", "/channels/news?wait=0&from=earliest", { "Last-Event-ID": "" });
    expect((await client.response()).json().events).toMatchObject([{ data: "first" }]);
  });
});

/** The messages up to the first event, whichever way they are cut into chunks. */
async function toEvent(client: RawConnection): Promise<readonly Record<string, unknown>[]> {
  const messages: Record<string, unknown>[] = [];
  while (messages.at(-1)?.data === undefined) {
    for (const line of (await client.chunk()).trimEnd().split("\n")) messages.push(JSON.parse(line));
  }
  return messages;
}
