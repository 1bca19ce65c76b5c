/** `GET …?publish=`: one event from a script that has no other method. */

import { describe, expect, it } from "vitest";
import { AWKWARD_TEXTS, AWKWARD_VALUES, AWKWARD_WORDS } from "../../src/testing/awkward.ts";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { dataOf, logOf, type Served, type ServeOptions, serve } from "../e2e/serve.ts";

const ON: ServeOptions = { handler: { legacyTransports: true } };

async function connected(options: ServeOptions = ON): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve(options);
  return { ...served, client: await rawConnection(served.port) };
}

/** The path that publishes a value, and whatever else the query says. */
function path(value: unknown, more: Readonly<Record<string, string>> = {}): string {
  return `/channels/news?${new URLSearchParams({ publish: JSON.stringify(value), callback: "done", ...more })}`;
}

describe("publishing with GET", () => {
  it("appends the event, and calls back with its id", async () => {
    const { client, url } = await connected();
    const { status, headers, body } = await client.request("GET", path("hello")).response();
    const [event] = await logOf(url, "news");
    expect(event).toMatchObject({ type: "message", data: "hello" });
    expect([status, body]).toEqual([201, `/**/done({"id":"${event?.id}","channel":"news"});\n`]);
    expect(headers).toMatchObject({
      "content-type": "application/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "cross-origin",
      "cache-control": "no-store",
      "tailwire-cursor": event?.id,
    });
  });

  it("reads a JSON string as text, and all else as JSON, which is kept as sent", async () => {
    const { client, port, url } = await connected();
    const reader = await rawConnection(port);
    await reader.request("GET", "/channels/news?format=envelope").head();
    await reader.message();
    const json = '{"big":12345678901234567890,"f":1.0}';
    await client.request("GET", `/channels/news?callback=f&publish=${encodeURIComponent(json)}`).response();
    expect(await reader.chunk()).toContain(`"data":${json}}`);
    const values = [...AWKWARD_TEXTS, ...AWKWARD_VALUES, "\uFFFD"];
    for (const value of values) expect((await client.request("GET", path(value)).response()).status).toBe(201);
    expect((await dataOf(url, "news")).slice(1)).toEqual(values);
  });

  it("takes bytes as base64", async () => {
    const { client, url } = await connected();
    await client.request("GET", path("AP+A", { encoding: "base64" })).response();
    expect(await logOf(url, "news")).toMatchObject([{ data: "AP+A", encoding: "base64" }]);
  });

  it("takes type and key, and makes one event of one idempotency key", async () => {
    const { client, url } = await connected();
    for (const word of AWKWARD_WORDS) await client.request("GET", path(1, { type: word, key: word })).response();
    expect((await logOf(url, "news")).map(({ type, key }) => [type, key])).toEqual(AWKWARD_WORDS.map((w) => [w, w]));
    const again = () => client.request("GET", path("once", { idempotencyKey: "k1" })).response();
    expect((await again()).body).toBe((await again()).body);
    expect(await dataOf(url, "news")).toHaveLength(AWKWARD_WORDS.length + 1);
  });

  it("is published once, also where it is asked for as something else", async () => {
    const { client, url } = await connected();
    await client.request("GET", path("x", { transport: "sse", from: "earliest" })).response();
    await client.request("HEAD", path("y")).response("HEAD");
    expect(await dataOf(url, "news")).toEqual(["x"]);
  });

  it.each([
    ["publish", 400, "invalid_data", { publish: "" }],
    ["publish", 400, "invalid_data", { publish: "{" }],
    ["publish", 400, "invalid_data", { publish: "1\n2" }],
    ["publish", 400, "invalid_data", { publish: "\ufeff1" }],
    ["base64", 400, "invalid_data", { publish: '"###"', encoding: "base64" }],
    ["encoding", 400, "invalid_parameter", { publish: "1", encoding: "base64" }],
    ["encoding", 400, "invalid_parameter", { encoding: "hex" }],
    ["type", 400, "invalid_parameter", { type: "$open" }],
    ["type", 400, "invalid_parameter", { type: "a\r\nb" }],
    ["type", 400, "invalid_parameter", { type: "" }],
    ["type", 400, "invalid_parameter", { type: "\uFFFD" }],
    ["key", 400, "invalid_parameter", { key: "x".repeat(257) }],
    ["idempotencyKey", 400, "invalid_parameter", { idempotencyKey: "x".repeat(256) }],
    ["idempotencyKey", 400, "invalid_parameter", { idempotencyKey: "" }],
    ["callback", 400, "invalid_parameter", { callback: "a b" }],
  ])("refuses a bad %s: %d %s %j, and publishes nothing", async (what, status, code, more: Record<string, string>) => {
    const { client, url } = await connected();
    const answer = await client.request("GET", path("x", more)).response();
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ status, code, detail: expect.stringContaining(what) });
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it("refuses what is not UTF-8, and a missing callback", async () => {
    const { client, url } = await connected();
    for (const [parameter, query] of [
      ["publish", "publish=%22%FF%22&callback=f"],
      ["type", "publish=1&callback=f&type=%FF"],
      ["idempotencyKey", "publish=1&callback=f&idempotencyKey=%FF"],
      ["callback", "publish=1"],
    ]) {
      const answer = await client.request("GET", `/channels/news?${query}`).response();
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter });
    }
    expect(await dataOf(url, "news")).toEqual([]);
  });

  it("takes 4 KiB of UTF-8, and no more", async () => {
    const { client, url } = await connected();
    const fits = `${"é".repeat(2046)}xx`;
    expect((await client.request("GET", path(fits)).response()).status).toBe(201);
    const answer = await client.request("GET", path(`${fits}x`)).response();
    expect(answer.json()).toMatchObject({ status: 413, code: "event_too_large", parameter: "publish" });
    expect(await dataOf(url, "news")).toEqual([fits]);
  });

  it("takes no more than maxEventBytes", async () => {
    const { client } = await connected({ ...ON, hub: { maxEventBytes: 10 } });
    expect((await client.request("GET", path("x".repeat(10))).response()).status).toBe(201);
    expect((await client.request("GET", path("x".repeat(11))).response()).status).toBe(413);
  });

  it("is for one channel", async () => {
    const { client } = await connected();
    for (const names of ["a,b", "$a", ""]) {
      const answer = await client.request("GET", `/channels/${names}?publish=1&callback=f`).response();
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_channel" });
    }
  });
});
