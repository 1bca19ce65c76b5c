/** The table "Bad input": every row's exact status, code and named parameter. */

import { describe, expect, it } from "vitest";
import { type RawConnection, type RawResponse, rawConnection } from "../e2e/raw-connection.ts";
import { dataOf, type Served, type ServeOptions, serve } from "../e2e/serve.ts";

async function connected(options?: ServeOptions): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve(options);
  return { ...served, client: await rawConnection(served.port) };
}

function problem(response: RawResponse): Record<string, unknown> {
  expect(response.headers["content-type"]).toBe("application/problem+json");
  const { type, title, detail, ...rest } = response.json();
  expect([type, typeof title, typeof detail]).toEqual(["about:blank", "string", "string"]);
  expect(rest.status).toBe(response.status);
  return rest;
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`).join(",");

describe("channel names", () => {
  it.each([
    ["outside the grammar", "a%20b"],
    ["outside the grammar, encoded once too often", "a%252Cb"],
    ["with a slash", "a/b"],
    ["with a slash at the end", "a/"],
    ["with a line break", "a%0D%0Ab"],
    ["with NUL", "a%00b"],
    ["not ASCII", "%C3%A9"],
    ["badly encoded", "%E0%A4"],
    ["cut off in an escape", "a%2"],
    ["empty", ""],
    ["empty behind a comma", "a,"],
    ["empty between commas", "a,,b"],
    ["beginning with $", "$system"],
    ["beginning with $, encoded", "%24system"],
    ["beginning with $ among others", "a,$system"],
    ["of 129 characters", "x".repeat(129)],
    ["named twice", "a,b,a"],
    ["named twice, once encoded", "a,b,%61"],
    ["more than 64", names(65)],
  ])("%s: 400 invalid_channel", async (_, text) => {
    const { client } = await connected();
    for (const [method, path] of [
      ["GET", `/channels/${text}`],
      ["GET", `/channels/${text}?wait=0`],
      ["POST", `/channels/${text}`],
      ["DELETE", `/channels/${text}`],
    ] as const) {
      const response = await client.request(method, path).response();
      expect(problem(response)).toEqual({ status: 400, code: "invalid_channel" });
    }
    expect((await client.request("HEAD", `/channels/${text}`).response("HEAD")).status).toBe(400);
  });

  it("several of them are too many to publish to", async () => {
    const { client } = await connected();
    expect(problem(await client.request("POST", "/channels/a,b", {}, "x").response())).toEqual({
      status: 400,
      code: "invalid_channel",
    });
  });

  it("64, of up to 128 characters of the whole grammar, are taken", async () => {
    const { client } = await connected();
    const path = `/channels/${names(63)},${"x".repeat(119)}A9_.:@~-z?wait=0`;
    expect((await client.request("GET", path).response()).status).toBe(200);
  });
});

describe("parameters", () => {
  it.each([
    [
      "from",
      [
        "yesterday",
        "",
        "-0",
        "-",
        "-1.5",
        "--1",
        "5",
        "a:b",
        "abc:-1",
        "abc:01",
        "abc:",
        ":1",
        "news=abc:1",
        "abc:1%0A",
      ],
    ],
    ["wait", ["x", "", "-1", "61", "60.001", "1e1", "0x1", "Infinity", "1,5", "%201"]],
    ["limit", ["x", "", "0", "-1", "1.5", "10001", "99999", "1e3"]],
    ["format", ["json", "", "RAW"]],
    ["transport", ["pigeon", "", "SSE", "websocket"]],
  ])("%s that does not parse: 400 invalid_parameter, and it is named", async (parameter, values) => {
    const { client } = await connected();
    for (const value of values) {
      const response = await client.request("GET", `/channels/new?${parameter}=${value}`).response();
      const seen = { value, ...problem(response) };
      expect(seen).toEqual({ value, status: 400, code: "invalid_parameter", parameter });
    }
  });

  it.each([
    ["format", "a", "transport=stream&format=raw", {}],
    ["format", "a", "wait=0&format=raw", {}],
    ["format", "a,b", "transport=sse&format=raw", {}],
    ["wait", "a", "wait=5", { Accept: "text/event-stream" }],
    ["from", "a,b", "from=abc:1", {}],
    ["from", "a,b", "from=a=abc:1,c=abc:1", {}],
    ["from", "a,b", "from=a=abc:1,a=abc:2", {}],
    ["from", "a,b", "from=a=abc:1,b", {}],
  ])("%s that does not fit %s?%s: 400 invalid_parameter", async (parameter, channels, query, headers) => {
    const { client } = await connected();
    const response = await client.request("GET", `/channels/${channels}?${query}`, headers).response();
    expect(problem(response)).toEqual({ status: 400, code: "invalid_parameter", parameter });
  });

  it("Last-Event-ID and If-None-Match are named by their header", async () => {
    const { client } = await connected();
    const id = await client.request("GET", "/channels/news", { "Last-Event-ID": "7" }).response();
    expect(problem(id)).toEqual({ status: 400, code: "invalid_parameter", parameter: "Last-Event-ID" });
    for (const field of ['"x"', "*", '"a:1", "a:2"', "x"]) {
      const tag = await client.request("GET", "/channels/news?wait=0", { "If-None-Match": field }).response();
      expect(problem(tag)).toEqual({ status: 400, code: "invalid_parameter", parameter: "If-None-Match" });
    }
  });

  it("an Accept that nothing fits: 406 not_acceptable", async () => {
    const { client } = await connected();
    const response = await client.request("GET", "/channels/news", { Accept: "image/png" }).response();
    expect(problem(response)).toEqual({ status: 406, code: "not_acceptable" });
  });
});

describe("cursors", () => {
  it.each(["wait=0", "transport=long-poll"])(
    "of another epoch: a gap, then on from the oldest kept: %s",
    async (how) => {
      const { client, hub } = await connected();
      const [epoch] = (await hub.publish("news", "one")).id.split(":");
      await hub.publish("news", "two");
      const { json, status } = await client.request("GET", `/channels/news?${how}&from=other:7`).response();
      expect([status, json().events]).toMatchObject([
        200,
        [
          { type: "$gap", channel: "news", after: "other:7", next: `${epoch}:0`, lost: null, reason: "epoch" },
          { data: "one" },
          { data: "two" },
        ],
      ]);
    },
  );

  it.each(["wait=0", "transport=stream", "transport=sse", "transport=long-poll"])(
    "ahead of the log: 400 invalid_cursor: %s",
    async (how) => {
      const { client, hub, store } = await connected();
      const [epoch] = (await hub.publish("news", "one")).id.split(":");
      for (const offset of [2, 1_000_000, Number.MAX_SAFE_INTEGER]) {
        const response = await client.request("GET", `/channels/news?${how}&from=${epoch}:${offset}`).response();
        expect(problem(response)).toEqual({ status: 400, code: "invalid_cursor" });
      }
      await store.whenFollowed(0);
    },
  );

  it("of the head: not ahead of it", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", "one");
    expect((await client.request("GET", `/channels/news?wait=0&from=${id}`).response()).json().events).toEqual([]);
  });

  it("that was trimmed past: a gap that says how many are lost", async () => {
    const { client, hub, store } = await connected();
    const { id } = await hub.publish("news", 1);
    for (let count = 2; count <= 1005; count += 1) await hub.publish("news", count);
    await client.request("GET", `/channels/news?from=${id}`).head();
    await client.message();
    const [gap, first] = (await client.chunk()).split("\n").map((line) => JSON.parse(line || "null"));
    expect(gap).toMatchObject({
      type: "$gap",
      after: id,
      lost: 4,
      reason: "trimmed",
      next: expect.stringMatching(/:5$/),
    });
    expect(first).toMatchObject({ data: 6 });
    expect(store.followed).toBe(1);
  });
});

describe("data", () => {
  it.each([
    ["JSON that does not parse", "application/json", '{"a":'],
    ["JSON that does not parse: nothing", "application/json", ""],
    ["JSON that does not parse: two values", "application/json; charset=utf-8", "1 2"],
  ])("%s: 400 invalid_data", async (_, type, body) => {
    const { client, url } = await connected();
    const response = await client.request("POST", "/channels/news", { "Content-Type": type }, body).response();
    expect(problem(response)).toEqual({ status: 400, code: "invalid_data" });
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it.each(["text/plain", "application/json", "application/x-www-form-urlencoded"])(
    "bad UTF-8 in %s: 400 invalid_data",
    async (type) => {
      const { client, url } = await connected();
      const bodies = [
        [0x22, 0xff, 0x22],
        [0xc0, 0x80],
        [0xed, 0xa0, 0x80],
        [0xf5, 0x80, 0x80, 0x80],
        [0xe2, 0x82],
      ];
      for (const bytes of bodies) {
        client.send(`POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\n`);
        client.send(`Content-Length: ${bytes.length}\r\n\r\n`).send(Buffer.from(bytes));
        expect(problem(await client.response())).toEqual({ status: 400, code: "invalid_data" });
      }
      expect(await dataOf(url, "news")).toEqual([]);
    },
  );

  it.each([[{ "Content-Type": "text/plain; charset=iso-8859-1" }], [{ "Content-Encoding": "gzip" }]])(
    "%j: 415 unsupported_media_type",
    async (headers) => {
      const { client } = await connected();
      const response = await client.request("POST", "/channels/news", headers, "x").response();
      expect(problem(response)).toEqual({ status: 415, code: "unsupported_media_type" });
    },
  );
});

describe("type, key and Idempotency-Key", () => {
  it.each([
    ["type", ["", "a%0Ab", "a%0Db", "a%00b", "$open", "%24gap", "%ff", "%ED%A0%80", "x".repeat(129)]],
    ["key", ["", "a%0Ab", "a%0Db", "a%00b", "%ff", "x".repeat(257)]],
  ])("%s that may not stand in a stream: 400 invalid_parameter, nothing published", async (parameter, values) => {
    const { client, url } = await connected();
    for (const value of values) {
      for (const type of ["text/plain", "application/x-ndjson"]) {
        const headers = { "Content-Type": type };
        const response = await client.request("POST", `/channels/news?${parameter}=${value}`, headers, "1").response();
        expect({ value, ...problem(response) }).toEqual({ value, status: 400, code: "invalid_parameter", parameter });
      }
    }
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it("an Idempotency-Key that is too long: 400 invalid_parameter", async () => {
    const { client } = await connected();
    const headers = { "Idempotency-Key": "x".repeat(256) };
    const response = await client.request("POST", "/channels/news", headers, "1").response();
    expect(problem(response)).toMatchObject({ status: 400, code: "invalid_parameter" });
  });

  it("forge no line of another subscriber's stream, with anything else that they may hold", async () => {
    const { client, port } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news?transport=sse").head();
    await reader.chunk();
    // The line and paragraph separators and NEL end lines for some, but not for SSE.
    const type = encodeURIComponent("data: x\u2028id: 9\u2029\u0085\v\fevent: y");
    const key = encodeURIComponent("\u2028id: 9");
    await client
      .request("POST", `/channels/news?type=${type}&key=${key}`, {}, "\ndata: a\rid: b\r\nevent: c\n\n")
      .response();
    const lines = (await reader.chunk()).split(/\r\n|\r|\n/);
    expect(lines).toEqual([
      "event: data: x\u2028id: 9\u2029\u0085\v\fevent: y",
      "data: ",
      "data: data: a",
      "data: id: b",
      "data: event: c",
      "data: ",
      "data: ",
      expect.stringMatching(/^id: [a-z0-9]{8}:1$/),
      "",
      "",
    ]);
  });

  it("forge no line of an NDJSON stream", async () => {
    const { client, port } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news").head();
    await reader.message();
    const query = `type=${encodeURIComponent('"}{')}&key=${encodeURIComponent('\\"\u2028')}`;
    const json = { "Content-Type": "application/json" };
    await client.request("POST", `/channels/news?${query}`, json, '[1,\r\n{"a":\r"b\\n"}\n]').response();
    expect(await reader.message()).toMatchObject({ type: '"}{', key: '\\"\u2028', data: [1, { a: "b\n" }] });
  });
});

describe("what breaks HTTP itself", () => {
  it.each([
    "POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: x\r\n\r\n",
    "POST /channels/news HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    "GET /channels/news HTTP/1.1\r\nHost: test\r\nLast-Event-ID: a\0b\r\n\r\n",
    "nonsense\r\n\r\n",
  ])("gets no event into a log, and the server serves on: %j", async (bytes) => {
    const { client, url, hub } = await connected();
    client.send(bytes);
    expect(await client.rest()).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(await dataOf(url, "news")).toEqual([]);
    await hub.publish("news", "well");
    expect(await dataOf(url, "news")).toEqual(["well"]);
  });
});
