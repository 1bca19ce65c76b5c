/** `iframe` and `iframe-poll` from a bare socket: the page, who may have it, and where it ends. */

import { describe, expect, it } from "vitest";
import { type Clock, type HandlerOptions, systemClock } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { type RawConnection, type RawHead, rawConnection } from "../e2e/raw-connection.ts";
import { type Served, type ServeOptions, serve } from "../e2e/serve.ts";
import { FramePage } from "../testing/drivers/script-page.ts";

const APP = "https://app.example";
const ON: HandlerOptions = { legacyTransports: true, allowOrigins: [APP] };

async function connected(options: ServeOptions = {}): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve({ handler: ON, ...options });
  return { ...served, client: await rawConnection(served.port) };
}

/** A page that is read message by message. */
class Reader {
  readonly head: RawHead;
  readonly #client: RawConnection;
  readonly #page: FramePage;
  readonly #messages: Record<string, unknown>[] = [];
  /** How much of the page has come. */
  bytes = 0;

  constructor(client: RawConnection, head: RawHead) {
    this.#client = client;
    this.head = head;
    this.#page = new FramePage(/'nonce-([^']+)'/.exec(head.headers["content-security-policy"] ?? "")?.[1] ?? "");
  }

  /** The next message; undefined at the end. */
  async next(): Promise<Record<string, unknown> | undefined> {
    while (this.#messages.length === 0) {
      const chunk = await this.#client.chunk();
      if (chunk === "") return undefined;
      this.bytes += Buffer.byteLength(chunk);
      for (const { message } of this.#page.push(chunk)) this.#messages.push(message as Record<string, unknown>);
    }
    return this.#messages.shift();
  }
}

async function page(client: RawConnection, query = "", channels = "news"): Promise<Reader> {
  const head = await client.request("GET", `/channels/${channels}?transport=iframe&origin=${APP}&${query}`).head();
  return new Reader(client, head);
}

describe("a page", () => {
  it("has its head, its padding and $open out at once, and no cache or proxy may hold it", async () => {
    const { client } = await connected();
    const { status, headers } = (await page(client)).head;
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "transfer-encoding": "chunked",
      "tailwire-cursor": expect.stringMatching(/:0$/),
    });
    for (const name of ["content-length", "content-encoding", "x-frame-options", "etag"]) {
      expect(headers).not.toHaveProperty(name);
    }
    const chunk = await client.chunk();
    expect(chunk).toMatch(
      /^<!doctype html><meta charset="utf-8"><title>Tailwire<\/title><!-- {2048,}--><script nonce="/,
    );
    expect(chunk).toContain(`post({"type":"$open","cursor":"${headers["tailwire-cursor"]}"`);
    expect(chunk).toContain('"transport":"iframe"');
    expect(chunk.endsWith("\n</script>")).toBe(true);
  });

  it("runs its own scripts only, loads nothing, and shows itself to that origin alone", async () => {
    const { client, port } = await connected();
    const nonces = [client, await rawConnection(port)].map(async (each) => {
      const policy = (await page(each)).head.headers["content-security-policy"] ?? "";
      const [, nonce = ""] = /script-src 'nonce-([\w-]{22})'/.exec(policy) ?? [];
      expect(policy).toBe(
        `default-src 'none'; script-src 'nonce-${nonce}'; frame-ancestors ${APP}; base-uri 'none'; form-action 'none'`,
      );
      return nonce;
    });
    expect(new Set(await Promise.all(nonces)).size).toBe(2);
  });

  it("posts what comes, as it comes", async () => {
    const { client, hub } = await connected();
    const reader = await page(client, "from=one=-1,two=now", "one,two");
    expect(await reader.next()).toMatchObject({ type: "$open", cursor: expect.stringMatching(/^one=.*,two=/) });
    await hub.publish("two", { n: 1 }, { type: "said", key: "k" });
    expect(await reader.next()).toMatchObject({ channel: "two", type: "said", key: "k", data: { n: 1 } });
    await hub.publish("one", new Uint8Array([0, 255]));
    expect(await reader.next()).toMatchObject({ channel: "one", data: "AP8=", encoding: "base64" });
    await hub.purge("one");
    await hub.publish("one", 1);
    expect(await reader.next()).toMatchObject({ type: "$gap", reason: "epoch" });
    expect(await reader.next()).toMatchObject({ data: 1 });
    await hub.close();
    expect(await reader.next()).toMatchObject({ type: "$close", code: 1001, reconnectMs: expect.any(Number) });
    expect(await reader.next()).toBeUndefined();
  });

  it("has nothing of a publisher's in it that ends or begins anything", async () => {
    const { client, hub } = await connected();
    const evil = "</script><script>alert(1)</script><!--\u2028\r";
    await hub.publish("news", { [evil]: evil });
    await hub.publish("news", evil, { type: "</script>", key: "<!--" });
    const reader = await page(client, "from=earliest");
    await reader.next();
    expect(await reader.next()).toMatchObject({ data: { [evil]: evil } });
    expect(await reader.next()).toMatchObject({ data: evil, type: "</script>", key: "<!--" });
  });

  it("is plain, and ends with the connection, for an HTTP/1.0 client", async () => {
    const { client, hub, store } = await connected();
    client.send(`GET /channels/news?transport=iframe&origin=${APP} HTTP/1.0\r\n\r\n`);
    const { headers } = await client.head();
    expect(headers).not.toHaveProperty("transfer-encoding");
    await store.whenFollowed(1);
    await hub.publish("news", "old");
    await hub.close();
    const nonce = /'nonce-([^']+)'/.exec(headers["content-security-policy"] ?? "")?.[1] ?? "";
    const posted = new FramePage(nonce).push(await client.rest());
    expect(posted.map(({ message }) => (message as { type: string }).type)).toEqual(["$open", "message", "$close"]);
  });
});

describe("a page that is full", () => {
  it("says so with $close, to come back at once, and nothing is missing or twice on the next one", async () => {
    const { client, hub } = await connected({ handler: { ...ON, maxIframeBytes: 2000 } });
    let cursor = await hub.cursor("news");
    const seen: unknown[] = [];
    for (let n = 1; n <= 100; n += 1) await hub.publish("news", n);
    while (seen.length < 100) {
      const reader = await page(client, `from=${cursor}`);
      expect(await reader.next()).toMatchObject({ type: "$open", cursor });
      const opened = reader.bytes;
      for (let message = await reader.next(); message !== undefined; message = await reader.next()) {
        if (message.type === "message") {
          seen.push(message.data);
          cursor = String(message.id);
        } else expect(message).toEqual({ type: "$close", code: 1013, reason: "the page is full", reconnectMs: 0 });
      }
      expect(reader.bytes - opened).toBeGreaterThan(2000);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  it("ends at the first frame past the limit, live, and not before; the connection serves the next", async () => {
    const { client, hub, store } = await connected({ handler: { ...ON, maxIframeBytes: 2000 } });
    const reader = await page(client);
    await reader.next();
    const opened = reader.bytes;
    let message: Record<string, unknown> | undefined;
    while (message?.type !== "$close") {
      await hub.publish("news", "x".repeat(100));
      message = await reader.next();
    }
    expect(message).toMatchObject({ code: 1013, reconnectMs: 0 });
    expect(reader.bytes - opened).toBeGreaterThan(1900); // the limit less what chunks add
    expect(await reader.next()).toBeUndefined();
    expect(reader.bytes - opened).toBeLessThan(2500);
    await store.whenFollowed(0);
    expect(await (await page(client)).next()).toMatchObject({ type: "$open" });
  });

  it("counts heartbeats too, and says only one $close where it is filled by that of a shutdown", async () => {
    const time = new ManualClock();
    const clock: Clock = {
      now: () => time.now(),
      after: (ms, run) => time.after(ms, run),
      random: () => time.random(),
      soon: (run) => systemClock.soon(run),
    };
    const hub = { clock, heartbeatMs: 1000 };
    const { client, hub: served } = await connected({ hub, handler: { ...ON, maxIframeBytes: 1 } });
    const reader = await page(client);
    await reader.next();
    time.advance(1200);
    expect(await reader.next()).toMatchObject({ type: "$heartbeat" });
    expect(await reader.next()).toMatchObject({ type: "$close", code: 1013, reconnectMs: 0 });
    expect(await reader.next()).toBeUndefined();
    const again = await page(client);
    await again.next();
    await served.close();
    expect(await again.next()).toMatchObject({ type: "$close", code: 1001 });
    expect(await again.next()).toBeUndefined();
  });

  it("is 1 MiB long where nothing else is said", async () => {
    const { client, hub } = await connected();
    const reader = await page(client);
    await reader.next();
    for (let n = 1; n <= 12; n += 1) {
      await hub.publish("news", "x".repeat(100_000));
      expect(await reader.next()).toHaveProperty("data");
      if (reader.bytes > 2 ** 20) break;
    }
    expect(await reader.next()).toMatchObject({ type: "$close", code: 1013 });
    expect(reader.bytes).toBeGreaterThan(2 ** 20);
  });
});

describe("iframe-poll", () => {
  const path = (query: string) => `/channels/news?transport=iframe-poll&origin=${APP}&${query}`;

  it("is a whole page that posts the body of a poll", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", "</script>");
    const { status, headers, body } = await client.request("GET", path("wait=0&from=-1")).response();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "tailwire-cursor": id,
      "content-length": String(Buffer.byteLength(body)),
    });
    expect(headers).not.toHaveProperty("etag");
    const posted = new FramePage(/'nonce-([^']+)'/.exec(headers["content-security-policy"] ?? "")?.[1] ?? "").push(
      body,
    );
    expect(posted).toMatchObject([
      { origin: APP, message: { cursor: id, events: [{ id, channel: "news", data: "</script>" }] } },
    ]);
  });

  it("waits as a long poll does", async () => {
    const { client, hub, store } = await connected();
    client.request("GET", path("limit=1"));
    await store.whenFollowed(1);
    await hub.publish("news", 7);
    expect((await client.response()).body).toContain('"data":7');
    expect((await client.request("GET", path("wait=0.01")).response()).body).toContain('"events":[]');
  });
});

describe("origin", () => {
  it.each(["iframe", "iframe-poll"])(
    "is one that is allowed, or the server's own by either scheme: %s",
    async (name) => {
      const { port } = await connected({ handler: { ...ON, allowOrigins: [APP, "http://[::1]:8080"] } });
      const get = async (origin: string, host: string) => {
        const client = await rawConnection(port);
        const query = `transport=${name}&origin=${encodeURIComponent(origin)}`;
        client.request("GET", `/channels/news?${query}${name === "iframe" ? "" : "&wait=0"}`, { Host: host });
        return (await client.head()).status;
      };
      for (const [origin, host] of [
        [APP, "push.example"],
        ["http://[::1]:8080", "push.example"],
        ["http://push.example", "push.example"],
        ["https://push.example", "push.example"],
        ["https://push.example", "push.example:443"],
        ["https://push.example", "PUSH.example"],
        ["http://127.0.0.1:7070", "127.0.0.1:7070"],
        ["https://[::1]:7070", "[::1]:7070"],
      ] as const) {
        expect([origin, host, await get(origin, host)]).toEqual([origin, host, 200]);
      }
      for (const [origin, host] of [
        ["http://app.example", "push.example"],
        ["https://app.example:8443", "push.example"],
        ["https://other.example", "push.example"],
        ["https://push.example.evil.example", "push.example"],
        ["https://evil.push.example", "push.example"],
        ["https://push.example:8443", "push.example"],
        ["http://push.example", "push.example:443"],
        ["https://push.example", "push.example@evil.example"],
        ["https://push.example", "evil.example/@push.example"],
        ["https://push.example", ""],
        ["https://x", "a b"],
      ] as const) {
        expect([origin, host, await get(origin, host)]).toEqual([origin, host, 403]);
      }
    },
  );

  it("that is not allowed is 403 origin_not_allowed", async () => {
    const { client } = await connected();
    const answer = await client
      .request("GET", "/channels/news?transport=iframe&origin=https://evil.example")
      .response();
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ status: 403, title: "Forbidden", code: "origin_not_allowed" });
  });

  it.each([
    "",
    "null",
    "*",
    "https://",
    "app.example",
    "//app.example",
    "https://app.example/",
    "https://app.example/path",
    "https://app.example?x",
    "https://app.example#x",
    "https://user@app.example",
    "https://app.example:443",
    "https://app.example:0443",
    "https://app.example:99999",
    "https://APP.example",
    "HTTPS://app.example",
    "https://app.example.:x",
    "https://b\u00fccher.example",
    "https://*.example",
    "https://app.example https://evil.example",
    "https://app.example,https://evil.example",
    "https://app.example;script-src",
    "https://app.example'",
    'https://app.example"',
    "https://app.example\r\nX: y",
    " https://app.example",
    "https://app.example\t",
    "https://app.example\0",
    "https://[::1",
    "https://[::01]",
    "https://0x7f.1",
    "ftp://app.example",
    "file://",
    "data:text/html,x",
    "javascript:alert(1)",
    "chrome-extension://abcdef",
    "https:app.example",
    "https://app.example\\",
    "https://app.example</script>",
  ])("that is none is 400 invalid_parameter: %j", async (origin) => {
    const { client } = await connected();
    for (const transport of ["iframe", "iframe-poll"]) {
      const path = `/channels/news?transport=${transport}&origin=${encodeURIComponent(origin)}`;
      const answer = await client.request("GET", path).response();
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter: "origin" });
    }
  });

  it("has to be there, and fits nothing else", async () => {
    const { client } = await connected();
    for (const query of ["transport=iframe", "transport=iframe-poll", `transport=sse&origin=${APP}`, `origin=${APP}`]) {
      const answer = await client.request("GET", `/channels/news?${query}`).response();
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter: "origin" });
    }
  });

  it.each(["https://app.example/", "*", "null", "", "https://*.example", "app.example", "https://a;b"])(
    "in the options that is none is misuse: %j",
    async (origin) => {
      await expect(serve({ handler: { ...ON, allowOrigins: [origin] } })).rejects.toMatchObject({
        code: "misuse",
        parameter: "allowOrigins",
      });
    },
  );

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("maxIframeBytes of %d is misuse", async (bytes) => {
    await expect(serve({ handler: { maxIframeBytes: bytes } })).rejects.toMatchObject({
      code: "misuse",
      parameter: "maxIframeBytes",
    });
  });
});

describe("is refused", () => {
  it.each([
    ["wait", "transport=iframe&wait=0"],
    ["limit", "transport=iframe&limit=1"],
    ["probe", "transport=iframe-poll&probe=1"],
    ["callback", "transport=iframe-poll&callback=f"],
    ["format", "transport=iframe&format=raw"],
    ["from", "transport=iframe&from=soon"],
  ])("what does not fit: %s in %s", async (parameter, query) => {
    const { client } = await connected();
    const answer = await client.request("GET", `/channels/news?${query}&origin=${APP}`).response();
    expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter });
  });
});
