/** `POST /channels/{name}` from a bare socket: the four forms, NDJSON's progress, limits, and publishers that break off. */

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { describe, expect, it } from "vitest";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { dataOf, logOf, type Served, type ServeOptions, serve } from "../e2e/serve.ts";

const NDJSON = { "Content-Type": "application/x-ndjson" };
const CHUNKED = "POST /channels/news HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n";
const NDJSON_CHUNKED = `${CHUNKED}Content-Type: application/x-ndjson\r\n\r\n`;

async function connected(options?: ServeOptions): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve(options);
  return { ...served, client: await rawConnection(served.port) };
}

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

describe("the four body forms", () => {
  it("JSON is kept as it was sent", async () => {
    const { client, port } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news?transport=sse").head();
    await reader.chunk();
    const body = '{"big": 12345678901234567890, "f": 1.0e2,\n "twice": 1, "twice": 2}';
    const answer = await client
      .request("POST", "/channels/news", { "Content-Type": "application/json" }, body)
      .response();
    expect([answer.status, answer.json()]).toEqual([201, { id: expect.stringMatching(/:1$/), channel: "news" }]);
    expect(await reader.chunk()).toMatch(
      /^data: \{"big": 12345678901234567890, "f": 1\.0e2,\ndata: {2}"twice": 1, "twice": 2\}\nid: .*:1\n\n$/,
    );
  });

  it("octets are binary, all else is text, NDJSON is an event a line", async () => {
    const { client, url } = await connected();
    const post = (type: string, body: string) =>
      client
        .request("POST", "/channels/news?type=t&key=k", type === "" ? {} : { "Content-Type": type }, body)
        .response();
    await post("application/octet-stream", "\0\x01");
    await post("text/plain", "a text");
    await post("application/x-www-form-urlencoded", "hello");
    await post("", "no type at all");
    await post("Application/X-NDJSON; charset=UTF-8", '{"a":1}\r\n\n  \n"text"\n[2]');
    const log = await logOf(url, "news");
    expect(log.map(({ data }) => data)).toEqual(["AAE=", "a text", "hello", "no type at all", { a: 1 }, "text", [2]]);
    for (const event of log) expect(event).toMatchObject({ channel: "news", type: "t", key: "k" });
    expect(log[0]).toHaveProperty("encoding", "base64");
  });

  it("nothing at all is an empty text", async () => {
    const { client, url } = await connected();
    expect((await client.request("POST", "/channels/news").response()).status).toBe(201);
    expect(await dataOf(url, "news")).toEqual([""]);
  });

  it("an Idempotency-Key makes one event of a request that is sent twice", async () => {
    const { client, url } = await connected();
    const key = { "Idempotency-Key": "k1" };
    const first = await client.request("POST", "/channels/news", key, "hello").response();
    const second = await client.request("POST", "/channels/news", key, "hello").response();
    expect([second.status, second.json()]).toEqual([201, first.json()]);
    await client.request("POST", "/channels/news", { ...key, ...NDJSON }, "1\n2\n").response();
    await client.request("POST", "/channels/news", { ...key, ...NDJSON }, "1\n2\n3\n").response();
    expect(await dataOf(url, "news")).toEqual(["hello", 1, 2, 3]);
  });
});

describe("an NDJSON stream", () => {
  it("shows its events as they arrive, before the request has ended", async () => {
    const { client, port } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news").head();
    await reader.message();
    client.send(NDJSON_CHUNKED);
    for (const count of [1, 2, 3]) {
      client.send(chunk(`${count}\n`));
      expect(await reader.message()).toMatchObject({ data: count });
    }
    client.send(chunk("4")); // its end of line is the end of the body
    client.send("0\r\n\r\n");
    const { status, json } = await client.response();
    expect([status, json()]).toEqual([
      201,
      { channel: "news", count: 4, first: expect.stringMatching(/:1$/), last: expect.stringMatching(/:4$/) },
    ]);
    expect(await reader.message()).toMatchObject({ data: 4 });
  });

  it.each([
    ["does not parse", "1\n2\n{\n4\n", 3, 2],
    ["does not parse, after blank ones", "\n1\r\n\n\n{\n4\n", 5, 1],
    ["does not parse, and is the last", "1\n2\nnope", 3, 2],
    ["does not parse, and is the first", "nope\n1\n", 1, 0],
    ["is not UTF-8", "1\n2\n3\n\xff\n5\n", 4, 3],
  ])(
    "with a line that %s: 400 invalid_data with its number, and what came before stays",
    async (_, body, line, count) => {
      const { client, url } = await connected();
      client.send("POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-ndjson\r\n");
      client.send(`Content-Length: ${body.length}\r\n\r\n`).send(Buffer.from(body, "latin1"));
      const response = await client.response();
      const ids = count === 0 ? {} : { first: expect.stringMatching(/:1$/), last: expect.stringMatching(`:${count}$`) };
      expect(response.json()).toEqual({
        type: "about:blank",
        title: "Bad Request",
        detail: expect.any(String),
        status: 400,
        code: "invalid_data",
        line,
        count,
        ...ids,
      });
      expect(await dataOf(url, "news")).toEqual([1, 2, 3].slice(0, count));
      expect((await client.request("POST", "/channels/news", NDJSON, "9").response()).status).toBe(201);
    },
  );

  it("is told of a bad line at once, while it still sends", async () => {
    const { client, port } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news").head();
    await reader.message();
    client.send(NDJSON_CHUNKED + chunk("1\n"));
    expect(await reader.message()).toMatchObject({ data: 1 });
    client.send(chunk("{\n"));
    expect((await client.response()).json()).toMatchObject({ status: 400, line: 2, count: 1 });
    client.send(`${chunk("3\n")}0\r\n\r\n`);
    expect((await client.request("POST", "/channels/other", {}, "next").response()).status).toBe(201);
  });
});

describe("an event over maxEventBytes", () => {
  const hub = { maxEventBytes: 1000 };
  const tooLarge = { status: 413, code: "event_too_large" };

  it("is refused by its Content-Length, before any of it is read", async () => {
    const { client, url } = await connected({ hub });
    client.send("POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000000\r\n\r\n");
    expect((await client.response()).json()).toMatchObject(tooLarge);
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it("is refused by what has come of it, where it has no length", async () => {
    const { client, url } = await connected({ hub });
    client.send(`${CHUNKED}\r\n${chunk("x".repeat(600))}`);
    client.send(chunk("x".repeat(401)));
    expect((await client.response()).json()).toMatchObject(tooLarge);
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it("that still comes is dropped, and the connection lives on", async () => {
    const { client } = await connected({ hub });
    const answer = await client.request("POST", "/channels/news", {}, "x".repeat(100_000)).response();
    expect(answer.json()).toMatchObject(tooLarge);
    expect((await client.request("POST", "/channels/news", {}, "small").response()).status).toBe(201);
    client.send(`${CHUNKED}\r\n${chunk("x".repeat(50_000))}`);
    expect((await client.response()).json()).toMatchObject(tooLarge);
    client.send(`${chunk("x".repeat(50_000))}0\r\n\r\n`);
    expect((await client.request("POST", "/channels/news", {}, "small").response()).status).toBe(201);
  });

  it("is refused as a line of NDJSON, before its end has come, and what came before stays", async () => {
    const { client, url } = await connected({ hub });
    client.send(`${NDJSON_CHUNKED}${chunk(`1\n2\n"${"x".repeat(1100)}`)}`);
    expect((await client.response()).json()).toMatchObject({ ...tooLarge, line: 3, count: 2 });
    expect(await dataOf(url, "news")).toEqual([1, 2]);
  });

  it("is counted in bytes; of exactly that size it is taken", async () => {
    const { client } = await connected({ hub });
    for (const type of ["text/plain", "application/x-ndjson"]) {
      const post = (body: string) =>
        client.request("POST", "/channels/news", { "Content-Type": type }, body).response();
      expect((await post(`"${"é".repeat(499)}"`)).status).toBe(201);
      expect((await post(`"${"é".repeat(499)}x"`)).status).toBe(413);
    }
  });

  it("is 1 MiB where nothing else is said", async () => {
    const { client } = await connected();
    expect((await client.request("POST", "/channels/news", {}, "x".repeat(2 ** 20)).response()).status).toBe(201);
    expect((await client.request("POST", "/channels/news", {}, "x".repeat(2 ** 20 + 1)).response()).status).toBe(413);
  });
});

describe("a publisher that breaks off", () => {
  const breaks: readonly (readonly [string, (client: RawConnection) => void])[] = [
    ["FIN", (client) => client.end()],
    ["RST", (client) => client.reset()],
  ];

  it.each(breaks)("by %s publishes nothing of a body with a length", async (_, breakOff) => {
    const { client, url, server, hub } = await connected();
    client.send("POST /channels/news HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    await brokenOff(server, () => breakOff(client));
    await hub.publish("news", "well");
    expect(await dataOf(url, "news")).toEqual(["well"]);
  });

  it.each(breaks)("by %s publishes nothing of a chunked body", async (_, breakOff) => {
    const { client, url, server, hub } = await connected();
    client.send(`${CHUNKED}\r\n${chunk("half")}`);
    await brokenOff(server, () => breakOff(client));
    await hub.publish("news", "well");
    expect(await dataOf(url, "news")).toEqual(["well"]);
  });

  it.each(breaks)("by %s publishes the whole lines of NDJSON, but not the one under way", async (_, breakOff) => {
    const { client, url, server, hub } = await connected();
    const events = hub.subscribe("news");
    const second = events.next().then(() => events.next());
    client.send(NDJSON_CHUNKED + chunk("1\n2\n3")); // a whole line, were it not for the break
    await brokenOff(
      server,
      () => breakOff(client),
      () => second,
    );
    await hub.publish("news", "well");
    expect(await dataOf(url, "news")).toEqual([1, 2, "well"]);
    await events.return?.();
  });

  it("does not harm the others", async () => {
    const { client, port, server, hub } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news").head();
    await reader.message();
    client.send(`${CHUNKED}\r\n${chunk("half")}`);
    await brokenOff(server, () => client.reset());
    await hub.publish("news", "well");
    expect(await reader.message()).toMatchObject({ data: "well" });
  });
});

/** Breaks a request off once the server has begun to read it; settles when the server knows. */
async function brokenOff(
  server: Server,
  breakOff: () => void,
  begun: (req: IncomingMessage) => Promise<unknown> | undefined = whenFlowing,
): Promise<void> {
  const [req] = (await once(server, "request")) as [IncomingMessage];
  const gone = new Promise((resolve) => req.once("close", resolve));
  await begun(req);
  breakOff();
  await gone;
}

function whenFlowing(req: IncomingMessage): Promise<unknown> | undefined {
  return req.readableFlowing === true ? undefined : once(req, "resume");
}
