/** `jsonp` from a bare socket: what the script is, when it comes, and what is refused. */

import { describe, expect, it } from "vitest";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { type Served, type ServeOptions, serve } from "../e2e/serve.ts";
import { CallbackPage } from "../testing/drivers/script-page.ts";

const ON: ServeOptions = { handler: { legacyTransports: true } };

async function connected(options: ServeOptions = ON): Promise<Served & { readonly client: RawConnection }> {
  const served = await serve(options);
  return { ...served, client: await rawConnection(served.port) };
}

describe("a script", () => {
  it("calls the function with the body of a poll, and can be nothing else to a browser", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", "hello");
    const { status, headers, body } = await client
      .request("GET", "/channels/news?callback=app.take&wait=0&from=-1")
      .response();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "application/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "cross-origin",
      "cache-control": "no-store",
      "tailwire-cursor": id,
      "content-length": String(Buffer.byteLength(body)),
    });
    expect(headers).not.toHaveProperty("etag");
    expect(body).toMatch(
      /^\/\*\*\/app\.take\(\{"cursor":"(\w+:1)","events":\[\{"id":"\1","channel":"news",.*"data":"hello"\}\]\}\);\n$/,
    );
    const call = new CallbackPage("app.take").run(body);
    expect(call).toMatchObject({ cursor: id, events: [{ id, data: "hello" }] });
  });

  it("comes by transport= too, and in answer to any Accept", async () => {
    const { client } = await connected();
    for (const query of ["callback=f", "callback=f&transport=jsonp"]) {
      const answer = client.request("GET", `/channels/news?${query}&wait=0`, { Accept: "image/png" });
      expect((await answer.response()).body).toMatch(/^\/\*\*\/f\(\{"cursor":"\w+:0","events":\[\]\}\);\n$/);
    }
  });

  it("waits for the first event, as a long poll does, and not for ever", async () => {
    const { client, hub, store } = await connected();
    client.request("GET", "/channels/one,two?callback=f");
    await store.whenFollowed(2);
    await hub.publish("two", 2);
    expect((await client.response()).body).toMatch(/^\/\*\*\/f\(\{"cursor":"one=\w+:0,two=\w+:1","events":\[\{/);
    await store.whenFollowed(0);
    const vain = await client.request("GET", "/channels/one?callback=f&wait=0.01").response();
    expect([vain.status, vain.body]).toEqual([200, expect.stringContaining('"events":[]')]);
  });

  it("is answered when the hub closes", async () => {
    const { client, hub, store } = await connected();
    client.request("GET", "/channels/one?callback=f");
    await store.whenFollowed(1);
    await hub.close();
    expect((await client.response()).body).toContain('"events":[]');
  });

  it("is never 304: a script would not see it", async () => {
    const { client, hub } = await connected();
    const { id } = await hub.publish("news", 1);
    for (const tag of [`"${id}"`, "nonsense", "*"]) {
      const path = `/channels/news?callback=f&wait=0&from=${id}`;
      const answer = await client.request("GET", path, { "If-None-Match": tag }).response();
      expect([answer.status, answer.body]).toEqual([200, `/**/f({"cursor":"${id}","events":[]});\n`]);
    }
  });

  it("takes limit, from, words in a cursor and Last-Event-ID as the others do", async () => {
    const { client, hub } = await connected();
    const ids: string[] = [];
    for (const n of [1, 2, 3]) ids.push((await hub.publish("news", n)).id);
    const ask = async (query: string, headers = {}) => {
      const path = `/channels/news,other?callback=f&wait=0&${query}`;
      const { body } = await client.request("GET", path, headers).response();
      return (new CallbackPage("f").run(body) as { events: { data: unknown }[] }).events.map(({ data }) => data);
    };
    expect(await ask("from=earliest&limit=2")).toEqual([1, 2]);
    expect(await ask("from=other=now,news=-1")).toEqual([3]);
    expect(await ask("from=news=earliest", { "Last-Event-ID": `news=${ids[1]},other=-5` })).toEqual([3]);
  });

  it("has nothing of a publisher's in it that ends or begins anything", async () => {
    const { client, hub } = await connected();
    const evil = "</script><script>alert(1)</script><!--\u2028\u2029*/);alert(1)//";
    await hub.publish("news", { [evil]: evil }, { type: evil, key: evil });
    await hub.publish("news", evil);
    const { body } = await client.request("GET", "/channels/news?callback=f&wait=0&from=earliest").response();
    expect(body).not.toMatch(/[<\u2028\u2029]/);
    expect(new CallbackPage("f").run(body)).toMatchObject({
      events: [{ type: evil, key: evil, data: { [evil]: evil } }, { data: evil }],
    });
  });

  it.each([
    ["sets no prototype", '{"__proto__":{"polluted":1},"a":{"__proto__":2,"__proto__":3}}'],
    ["is no script that a browser can read", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ])("brings JSON that as JavaScript %s, and what comes with it", async (_, json) => {
    const { client, port } = await connected();
    const publisher = await rawConnection(port);
    const type = { "Content-Type": "application/json" };
    await publisher.request("POST", "/channels/news", type, json).response();
    await publisher.request("POST", "/channels/news", type, "1").response();
    const { body } = await client.request("GET", "/channels/news?callback=f&wait=0&from=earliest").response();
    const { events } = new CallbackPage("f").run(body) as { events: { data: unknown }[] };
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({ data: 1 });
    if (json.startsWith("{")) expect(JSON.stringify(events[0]?.data)).toBe(JSON.stringify(JSON.parse(json)));
  });
});

describe("is refused", () => {
  it.each([
    "",
    "a%20b",
    "a+b",
    "alert(1)",
    "f;alert(1)",
    "f%0d%0aSet-Cookie:x=1",
    "f%00",
    "%3Cscript%3E",
    "a.b.c.d.e.f",
    "x".repeat(65),
    "a[0]",
    "%C3%A9",
    "*/alert(1)/*",
  ])("the callback %s: 400 invalid_parameter, as a problem", async (callback) => {
    const { client } = await connected();
    for (const rest of ["wait=0", "publish=1"]) {
      const answer = await client.request("GET", `/channels/news?callback=${callback}&${rest}`).response();
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter: "callback" });
    }
  });

  it("no callback at all: 400 invalid_parameter", async () => {
    const { client } = await connected();
    const answer = await client.request("GET", "/channels/news?transport=jsonp").response();
    expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter: "callback" });
  });

  it.each([
    ["callback", "callback=f&transport=sse"],
    ["callback", "callback=f&transport=poll"],
    ["callback", "callback=f&transport=iframe&origin=http://test"],
    ["origin", "callback=f&origin=http://test"],
    ["probe", "callback=f&probe=1"],
    ["format", "callback=f&format=raw"],
    ["wait", "callback=f&wait=61"],
    ["limit", "callback=f&limit=0"],
  ])("what does not fit: %s in %s", async (parameter, query) => {
    const { client } = await connected();
    const answer = await client.request("GET", `/channels/news?${query}`).response();
    expect(answer.json()).toMatchObject({ status: 400, code: "invalid_parameter", parameter });
  });

  it.each([
    "callback=f",
    "callback=f&wait=0",
    "callback=not(a)name",
    "transport=jsonp",
    "transport=jsonp&callback=f",
    "transport=iframe&origin=http://test",
    "transport=iframe",
    "transport=iframe-poll&origin=http://test",
    "publish=1&callback=f",
    "publish=1",
  ])("all of it where it is off, which it is by default: %s is 403 transport_disabled", async (query) => {
    for (const options of [{}, { handler: { legacyTransports: false, allowOrigins: ["http://test"] } }]) {
      const { client, hub } = await connected(options);
      const before = await hub.cursor("news");
      const answer = await client.request("GET", `/channels/news?${query}`).response();
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(answer.json()).toMatchObject({ status: 403, title: "Forbidden", code: "transport_disabled" });
      expect(await hub.cursor("news")).toBe(before);
    }
  });

  it("to HEAD and OPTIONS nothing of it is anything", async () => {
    const { client } = await connected({});
    const head = await client.request("HEAD", "/channels/news?callback=f&publish=1").response("HEAD");
    expect([head.status, head.headers["tailwire-cursor"]]).toEqual([200, expect.stringMatching(/:0$/)]);
    expect((await client.request("OPTIONS", "/channels/news?callback=f").response()).status).toBe(204);
  });
});
