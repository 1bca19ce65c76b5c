/** The real Express and Koa, with their compression on: the examples, and what goes wrong around them. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import express, { type ErrorRequestHandler, type Express } from "express";
import Koa from "koa";
import { describe, expect, it, onTestFinished } from "vitest";
import * as tailwire from "../../src/index.ts";
import { type RawConnection, rawConnection } from "./raw-connection.ts";
import { rawWebSocket } from "./raw-websocket.ts";
import { listen } from "./serve.ts";

type Example = (tailwireModule: typeof tailwire) => { readonly server: Server; readonly hub: tailwire.Hub };

const EXAMPLES = path.resolve(fileURLToPath(import.meta.url), "../../../examples");
const GZIP = { "Accept-Encoding": "gzip, deflate, br" };

async function startExample(name: string) {
  const file = pathToFileURL(path.join(EXAMPLES, name, "server.js")).href;
  const { createServer: create } = (await import(file)) as { createServer: Example };
  const { server, hub } = create(tailwire);
  const { port, url } = await listen(server);
  onTestFinished(() => hub.close());
  return { hub, port, url: `${url}/push` };
}

describe.each(["node", "express", "koa"])("the example in examples/%s", (name) => {
  it.each([
    ["sse", "event: $open"],
    ["stream", '{"type":"$open"'],
  ])("holds nothing back on %s, though the client takes compressed answers", async (transport, open) => {
    const { hub, port } = await startExample(name);
    const client = await rawConnection(port);
    client.request("GET", `/push/channels/news?transport=${transport}`, GZIP);
    const { status, headers } = await client.head();
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty("content-encoding");
    expect((await client.chunk()).startsWith(open)).toBe(true);
    for (const text of ["one", "two", "three"]) {
      await hub.publish("news", text);
      expect(await client.chunk()).toContain(text);
    }
  });

  it("holds nothing back on WebSocket", async () => {
    const { hub, port } = await startExample(name);
    const socket = await rawWebSocket(port, "/push/channels/news", GZIP);
    await hub.publish("news", "hello");
    expect((await socket.dataFrame()).payload.toString()).toBe("hello");
    socket.send("from the client");
    expect((await socket.dataFrame()).payload.toString()).toBe("from the client");
  });

  it("answers long polls and polls, compressed or not", async () => {
    const { hub, url } = await startExample(name);
    const { cursor } = (await (await fetch(`${url}/channels/news?wait=0`)).json()) as { cursor: string };
    const waiting = fetch(`${url}/channels/news?from=${cursor}`, { headers: { Accept: "application/json", ...GZIP } });
    await hub.publish("news", "hello");
    expect(await (await waiting).json()).toMatchObject({ events: [{ data: "hello" }] });
    const poll = await fetch(`${url}/channels/news?wait=0&from=-1`, { headers: GZIP });
    expect(poll.headers.get("tailwire-cursor")).toMatch(/:1$/);
    expect(await poll.json()).toMatchObject({ events: [{ data: "hello" }] });
    const again = await fetch(`${url}/channels/news?wait=0`, {
      headers: { "If-None-Match": poll.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
  });

  it("publishes in all forms, also line by line while the request runs", async () => {
    const { hub, port, url } = await startExample(name);
    const events = hub.subscribe("news");
    const first = events.next();
    const post = (type: string, body: string) =>
      fetch(`${url}/channels/news`, { method: "POST", headers: { "Content-Type": type }, body });
    expect((await post("text/plain", "text")).status).toBe(201);
    expect((await first).value).toMatchObject({ data: "text" });
    expect((await post("application/json", '{"a":1}')).status).toBe(201);
    expect((await events.next()).value).toMatchObject({ data: { a: 1 } });
    expect((await post("application/json", "{")).status).toBe(400);
    const client = await rawConnection(port);
    client.send("POST /push/channels/news HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-ndjson\r\n");
    client.send("Transfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n");
    expect((await events.next()).value).toMatchObject({ data: 1 });
    client.send("0\r\n\r\n");
    expect((await client.response()).json()).toMatchObject({ count: 1 });
    await events.return?.();
  });

  it("ignores Upgrade: h2c, on Tailwire's routes and on the app's", async () => {
    const { port } = await startExample(name);
    const client = await rawConnection(port);
    const h2c = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA" };
    expect((await client.request("POST", "/push/channels/news", h2c, "hello").response()).status).toBe(201);
    expect((await client.request("GET", "/", h2c).response()).body).toContain("<title>");
  });

  it("leaves the app's own routes to the app", async () => {
    const { url } = await startExample(name);
    const home = new URL("/", url);
    expect(await (await fetch(home)).text()).toContain("<h1>News</h1>");
    for (const other of ["/nothing", "/push", "/push/other", "/channels/news"]) {
      const answer = await fetch(new URL(other, url));
      expect([other, answer.status, answer.headers.get("tailwire-cursor")]).toEqual([other, 404, null]);
    }
  });

  it("frees a client that goes", async () => {
    const { hub, port } = await startExample(name);
    const client = await rawConnection(port);
    await client.request("GET", "/push/channels/news?transport=sse", GZIP).head();
    await client.chunk();
    client.end();
    const next = await rawConnection(port);
    await next.request("GET", "/push/channels/news?transport=sse", GZIP).head();
    await next.chunk();
    await hub.publish("news", "well");
    expect(await next.chunk()).toContain("well");
  });
});

describe.each(["express", "koa"])("the example in examples/%s", (name) => {
  it("compresses the app's own routes", async () => {
    const { port } = await startExample(name);
    const client = await rawConnection(port);
    client.request("GET", "/", { "Accept-Encoding": "gzip", Connection: "close" });
    const { headers } = await client.head();
    expect(headers).toMatchObject({ "content-encoding": "gzip", "transfer-encoding": "chunked" });
    expect(gunzipSync(await wholeBody(client)).toString()).toContain("<h1>News</h1>");
  });
});

describe("the example in examples/express", () => {
  it("publishes from a route of its own, whose body its parser has read", async () => {
    const { hub, url } = await startExample("express");
    const events = hub.subscribe("news");
    const first = events.next();
    const body = new URLSearchParams({ news: "from a form" });
    const answer = await fetch(new URL("/", url), { method: "POST", body, redirect: "manual" });
    expect(answer.status).toBe(303);
    expect((await first).value).toMatchObject({ data: "from a form" });
    await events.return?.();
  });
});

describe("mounted behind something that has read the body", () => {
  it("Express with a body parser: misuse, with how it is done, and nothing is published", async () => {
    const { hub, url, errors } = await startExpress((given) => given.use(express.json()));
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${url}/channels/news`, { method: "POST", headers, body: '{"a":1}' });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: "misuse", detail: expect.stringMatching(/before body parsers/) });
    expect(errors).toMatchObject([{ code: "misuse" }]);
    expect(await hub.cursor("news")).toMatch(/:0$/);
    // What the parser does not read gets through.
    expect((await fetch(`${url}/channels/news`, { method: "POST", body: "text" })).status).toBe(201);
  });

  it("Express with a body parser, of an empty body: not misuse", async () => {
    const { url } = await startExpress((given) => given.use(express.json()));
    expect((await fetch(`${url}/channels/news`, { method: "POST" })).status).toBe(201);
  });

  it("Koa: misuse", async () => {
    const { url, errors } = await startKoa(async (ctx, next) => {
      for await (const _ of ctx.req) {
        // read and dropped
      }
      return next();
    });
    const answer = await fetch(`${url}/channels/news`, { method: "POST", body: "text" });
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: "misuse" }]);
    expect(errors).toMatchObject([{ code: "misuse" }]);
  });
});

describe("an error thrown by other middleware after a stream has begun", () => {
  /** Waits until the stream is out, then throws. */
  const failAfter = async (began: Promise<unknown>) => {
    await began;
    throw new Error("too late");
  };

  it.each<[string, ErrorRequestHandler | undefined]>([
    ["Express's own handler", undefined],
    ["a handler that sends", (error, _req, res, _next) => void res.status(500).send(`<h1>${error}</h1>`)],
    ["a handler that sends JSON", (error, _req, res, _next) => void res.status(500).json({ error: String(error) })],
    ["a handler that looks first", (error, _req, res, next) => (res.headersSent ? next(error) : res.send("oops"))],
    ["a handler that only ends", (_error, _req, res, _next) => void res.end()],
    ["a handler that ends with a text", (_error, _req, res, _next) => void res.end("<h1>oops</h1>")],
    ["a handler that writes", (_error, _req, res, _next) => void res.write("<h1>oops</h1>")],
  ])("writes nothing into it: Express, %s", async (_, handler) => {
    const began = deferred();
    const handled = deferred();
    const { hub, port } = await startExpress(
      (app) => {
        app.use((_req, _res, next) => {
          next();
          return failAfter(began.promise);
        });
      },
      handler ?? ((error, _req, _res, next) => next(error)),
      handled.resolve,
    );
    const client = await rawConnection(port);
    await client.request("GET", "/channels/news", { Connection: "close" }).head();
    expect(await client.message()).toMatchObject({ type: "$open" });
    began.resolve();
    await handled.promise;
    await hub.publish("news", "still a stream of messages");
    expect(await restOfMessages(client, hub)).toBe("messages only");
  });

  it("writes nothing into it: Koa", async () => {
    const began = deferred();
    const { hub, port, koaErrors } = await startKoa(async (_ctx, next) => {
      await next();
      await failAfter(began.promise);
    });
    const client = await rawConnection(port);
    await client.request("GET", "/channels/news", { Connection: "close" }).head();
    expect(await client.message()).toMatchObject({ type: "$open" });
    const told = once(koaErrors, "error");
    began.resolve();
    await told;
    await hub.publish("news", "still a stream of messages");
    expect(await restOfMessages(client, hub)).toBe("messages only");
  });
});

/** Closes the hub, and reads what is left: whole messages, and then the end of the answer or of the connection. */
async function restOfMessages(client: RawConnection, hub: tailwire.Hub): Promise<string> {
  await hub.close();
  const rest = await client.rest();
  const answer = /^((?:[0-9a-f]+\r\n\{"[^\r]*\}\n\r\n)*)(?:0\r\n\r\n)?$/.exec(rest);
  return answer === null ? `not only messages: ${rest}` : "messages only";
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function startExpress(before: (app: Express) => void, handler?: ErrorRequestHandler, handled?: () => void) {
  const hub = tailwire.createHub();
  const errors: unknown[] = [];
  const app = express();
  before(app);
  app.use(tailwire.createHandler(hub, { onError: (error) => errors.push(error) }));
  app.set("env", "test"); // Express prints no errors then
  if (handler !== undefined) {
    const watched: ErrorRequestHandler = async (error, req, res, next) => {
      try {
        await handler(error, req, res, next);
      } finally {
        handled?.();
      }
    };
    app.use(watched);
  }
  const { port, url } = await listen(createServer(app));
  onTestFinished(() => hub.close());
  return { hub, port, url, errors };
}

async function startKoa(before: Koa.Middleware) {
  const hub = tailwire.createHub();
  const errors: unknown[] = [];
  const handler = tailwire.createHandler(hub, { onError: (error) => errors.push(error) });
  const app = new Koa();
  app.on("error", () => {}); // Koa prints no errors then
  app.use(before);
  app.use((ctx) => {
    ctx.respond = false;
    handler(ctx.req, ctx.res);
  });
  const { port, url } = await listen(createServer(app.callback()));
  onTestFinished(() => hub.close());
  return { hub, port, url, errors, koaErrors: app };
}

/** The bytes of a chunked body. */
async function wholeBody(client: RawConnection): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt(await client.takeTo("\r\n"), 16);
    parts.push(await client.take(size));
    await client.takeTo("\r\n");
    if (size === 0) return Buffer.concat(parts);
  }
}
