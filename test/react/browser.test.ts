/** The hooks with the real React, in StrictMode, in real Chromium, on a real server. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../src/client/index.ts";
import * as tailwire from "../../src/index.ts";
import { attach, createHub, type Hub, memoryStore, type Store } from "../../src/index.ts";
import { cuttingProxy } from "../e2e/cutting-proxy.ts";
import { realPart } from "../e2e/real-parts.ts";
import { listen } from "../e2e/serve.ts";
import { App, type RoomProps } from "./app.ts";
import type { ReactPage } from "./page.ts";

const program = realPart("chromium");
const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const TIMEOUT_MS = 60_000;
const POLL = { timeout: TIMEOUT_MS / 2, interval: 20 };

describe.skipIf(program.missing)("in real Chromium", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;
  let script: string;

  beforeAll(async () => {
    const bundle = await build({
      entryPoints: [path.join(import.meta.dirname, "page.ts")],
      bundle: true,
      write: false,
      format: "esm",
      define: { "process.env.NODE_ENV": '"development"' },
    });
    script = bundle.outputFiles[0]?.text ?? "";
    browser = await chromium.launch({ executablePath: program.path, args: ARGS });
  });

  afterAll(() => browser?.close());

  /** A server of the page and its channels; `main` is what it renders into the page. */
  function serverOf(hub: Hub, main = ""): Server {
    const server = createServer((req, res) => {
      if (req.url === "/page.js") res.setHeader("Content-Type", "text/javascript").end(script);
      else {
        res.setHeader("Content-Type", "text/html; charset=utf-8");
        res.end(
          `<!doctype html><title>React</title><main>${main}</main><script type="module" src="/page.js"></script>`,
        );
      }
    });
    attach(server, hub, { path: "/push" });
    return server;
  }

  async function serve(hub: Hub = createHub(), main?: string) {
    const server = serverOf(hub, main);
    const { port, url } = await listen(server);
    onTestFinished(() => hub.close());
    let links = 0;
    const count = ({ url: asked = "" }) => {
      if (asked.startsWith("/push/channels/")) links += 1;
    };
    server.on("upgrade", count);
    server.on("request", count);
    return {
      hub,
      port,
      url,
      /** How many connections there have been to the channels. */
      links: () => links,
    };
  }

  async function open(url: string) {
    const context = await browser.newContext();
    context.setDefaultTimeout(TIMEOUT_MS / 2);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const errors: string[] = [];
    const ops: string[] = [];
    let sockets = 0;
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("websocket", (socket) => {
      sockets += 1;
      socket.on("close", () => {
        sockets -= 1;
      });
      socket.on("framesent", ({ payload }) => ops.push(...String(payload).split("\n").map(opOf)));
    });
    await page.goto(url);
    const app = await page.evaluateHandle<ReactPage>("page");
    return {
      page,
      /** What the page's console and React told. */
      errors,
      /** What its WebSockets have asked for. */
      ops,
      sockets: () => sockets,
      show: (...rooms: RoomProps[]) => app.evaluate((it, all) => it.show(all), rooms),
      hide: (...rooms: RoomProps[]) => app.evaluate((it, all) => it.hide(all), rooms),
      hydrate: (...rooms: RoomProps[]) => app.evaluate((it, all) => it.hydrate(all), rooms),
      renders: (id: string) => app.evaluate((it, of) => it.renders[of] ?? 0, id),
      heard: (id: string) => app.evaluate((it, of) => it.heard[of] ?? [], id),
      clientErrors: () => app.evaluate(({ errors }) => errors),
      state: (text: string) => page.waitForSelector(`output:text-is(${JSON.stringify(text)})`),
      last: (id: string, text: string) => page.waitForSelector(`#${id} .last:text-is(${JSON.stringify(text)})`),
      list: (id: string) => listOf(page, id),
    };
  }

  it("shows what comes, in order, and the connection's state", async () => {
    const { hub, url } = await serve();
    const { show, state, last, list, heard, errors } = await open(url);
    await show({ id: "a", channel: "chat" });
    await state("open websocket");
    await hub.publish("chat", "hello");
    await last("a", "hello");
    await hub.publish("chat", { n: 1 });
    await last("a", '{"n":1}');
    expect(await list("a")).toEqual(["hello", '{"n":1}']);
    expect(await heard("a")).toEqual(["hello", '{"n":1}']);
    expect(errors).toEqual([]);
  });

  it("begins where it is told, keeps the newest, and StrictMode's second mount neither loses nor doubles", async () => {
    const { hub, url, links } = await serve();
    for (let count = 1; count <= 60; count += 1) await hub.publish("chat", count);
    const { show, last, list, heard, ops } = await open(url);
    await show({ id: "a", channel: "chat", from: "-50", maxEvents: 20 });
    await last("a", "60");
    await hub.publish("chat", 61);
    await last("a", "61");
    expect(await list("a")).toEqual(numbers(42, 61));
    expect(await heard("a")).toEqual(numbers(11, 61));
    expect(links()).toBe(1);
    expect(ops).toEqual([]);
  });

  it("publishes by a button", async () => {
    const { url } = await serve();
    const { page, show, state, last, list } = await open(url);
    await show({ id: "a", channel: "chat" });
    await state("open websocket");
    await page.click("#a button");
    await last("a", "from a");
    expect(await list("a")).toEqual(["from a"]);
  });

  it("renders again without subscribing again, though all that it is given is new", async () => {
    const { hub, url, links } = await serve();
    const { show, state, last, renders, ops } = await open(url);
    await show({ id: "a", channel: "chat" });
    await state("open websocket");
    const before = await renders("a");
    for (let count = 1; count <= 20; count += 1) await show({ id: "a", channel: "chat", maxEvents: 50 + count });
    await hub.publish("chat", "still there");
    await last("a", "still there");
    expect(await renders("a")).toBeGreaterThanOrEqual(before + 20);
    expect([links(), ops]).toEqual([1, []]);
  });

  it("goes over to another channel on the same connection, with an empty list", async () => {
    const { hub, url, links } = await serve();
    await hub.publish("chat", "in chat");
    await hub.publish("news", "in news");
    const { show, state, last, list, ops, page } = await open(url);
    await show({ id: "a", channel: "chat", from: "-5" });
    await last("a", "in chat");
    await state("open websocket");
    await show({ id: "a", channel: "news", from: "-5" });
    await last("a", "in news");
    expect(await list("a")).toEqual(["in news"]);
    await hub.publish("chat", "nobody sees it");
    await hub.publish("news", "more");
    await last("a", "more");
    expect(await list("a")).toEqual(["in news", "more"]);
    expect([links(), ops]).toEqual([1, ["subscribe news", "unsubscribe chat"]]);
    await show({ id: "a", channel: null });
    await state("closed");
    expect(await page.textContent("#a ol")).toBe("");
    await show({ id: "a", channel: "news", from: "earliest" });
    await last("a", "more");
    expect(await list("a")).toEqual(["in news", "more"]);
    await show({ id: "a", channel: "news", from: "-1" });
    await page.waitForFunction(() => document.querySelectorAll("#a li").length === 1);
    expect(await list("a")).toEqual(["more"]);
  });

  it("is unsubscribed when it is unmounted, and closes the connection with the last", async () => {
    const { hub, url, links } = await serve();
    const { show, state, last, heard, ops } = await open(url);
    const [a, b] = [
      { id: "a", channel: "chat" },
      { id: "b", channel: "news" },
    ];
    await show(a, b);
    await state("open websocket");
    await show(b);
    await expect.poll(() => ops, POLL).toEqual(["unsubscribe chat"]);
    await hub.publish("chat", "nobody sees it");
    await hub.publish("news", "somebody does");
    await last("b", "somebody does");
    expect(await heard("a")).toEqual([]);
    // One goes and another comes in the same commit.
    await show({ id: "c", channel: "other", from: "earliest" });
    await hub.publish("other", "hello");
    await last("c", "hello");
    expect(links()).toBe(1);
    await show();
    await state("closed");
  });

  it("has one connection for many components, each with a list of its own", async () => {
    const { hub, url, links } = await serve();
    for (let count = 1; count <= 10; count += 1) await hub.publish("chat", count);
    const { show, state, last, list, heard } = await open(url);
    const rooms: RoomProps[] = ["a", "b", "c"].map((id) => ({ id, channel: "chat", from: "-5" }));
    rooms.push({ id: "d", channel: "news" }, { id: "e", channel: "chat", from: "-5", maxEvents: 2 });
    await show(...rooms);
    await state("open websocket");
    for (const id of ["a", "b", "c", "e"]) await last(id, "10");
    expect(links()).toBe(1);
    await hub.publish("chat", 11);
    await hub.publish("news", "hello");
    await last("d", "hello");
    for (const id of ["a", "b", "c"]) {
      await last(id, "11");
      expect(await list(id)).toEqual(numbers(6, 11));
      expect(await heard(id)).toEqual(numbers(6, 11));
    }
    expect(await list("e")).toEqual(numbers(10, 11));
    expect(links()).toBe(1);
  });

  it("lets each component begin where it wants to, in the same channel", async () => {
    const { hub, url } = await serve();
    for (let count = 1; count <= 10; count += 1) await hub.publish("chat", count);
    const { show, state, last, list, heard } = await open(url);
    await show(
      { id: "a", channel: "chat", from: "-3" },
      { id: "b", channel: "chat", from: "earliest" },
      { id: "c", channel: "chat" },
    );
    await state("open websocket");
    await last("b", "10");
    await last("a", "10");
    await show(
      { id: "a", channel: "chat", from: "-3" },
      { id: "b", channel: "chat", from: "earliest" },
      { id: "c", channel: "chat" },
      { id: "d", channel: "chat", from: "-2" },
    );
    await last("d", "10");
    await hub.publish("chat", 11);
    for (const [id, first] of [
      ["a", 8],
      ["b", 1],
      ["c", 11],
      ["d", 9],
    ] as const) {
      await last(id, "11");
      expect([id, await list(id)]).toEqual([id, numbers(first, 11)]);
      expect([id, await heard(id)]).toEqual([id, numbers(first, 11)]);
    }
  });

  it("shows a gap where events are gone, in its place", async () => {
    const { hub, port } = await serve(createHub({ retention: { maxEvents: 5 } }));
    const proxy = await cuttingProxy(port);
    const { page, show, state, last, list } = await open(proxy.url);
    await show({ id: "a", channel: "chat", maxEvents: 6 });
    await state("open websocket");
    await hub.publish("chat", 1);
    await last("a", "1");
    proxy.cut();
    for (let count = 2; count <= 20; count += 1) await hub.publish("chat", count);
    proxy.release();
    await last("a", "20");
    expect(await list("a")).toEqual(["1", "missing: 14", ...numbers(16, 20)]);
    expect(await page.getAttribute("#a", "data-gap")).toBe("14");
  });

  it("goes on after a restart of the server, with nothing lost or doubled", async () => {
    const store = memoryStore();
    const lasting = (): Store => ({
      append: (channel, input) => store.append(channel, input),
      read: (channel, from, limit) => store.read(channel, from, limit),
      follow: (channel, listener) => store.follow(channel, listener),
    });
    const first = createHub({ store: lasting() });
    const server = serverOf(first);
    const port = await listenOn(server);
    const { show, state, last, list, heard, clientErrors } = await open(`http://127.0.0.1:${port}`);
    await show({ id: "a", channel: "chat", from: "earliest" }, { id: "b", channel: "chat", from: "earliest" });
    for (let count = 1; count <= 10; count += 1) await first.publish("chat", count);
    await last("a", "10");
    await state("open websocket");
    await first.close();
    await end(server);

    const second = createHub({ store: lasting() });
    for (let count = 11; count <= 20; count += 1) await second.publish("chat", count);
    const restarted = serverOf(second);
    await listenOn(restarted, port);
    onTestFinished(async () => {
      await second.close();
      await end(restarted);
    });
    await last("a", "20");
    await last("b", "20");
    await second.publish("chat", 21);
    for (const id of ["a", "b"]) {
      await last(id, "21");
      expect(await list(id)).toEqual(numbers(1, 21));
      expect(await heard(id)).toEqual(numbers(1, 21));
    }
    expect(await clientErrors()).toEqual([]);
  });

  it.each([false, true])("renders a burst of 1,000 events a few times, with a slow schema: %s", async (slow) => {
    const { hub, url } = await serve();
    const { show, state, last, list, heard, renders } = await open(url);
    await show({ id: "a", channel: "chat", slow });
    await state("open websocket");
    const before = await renders("a");
    await Promise.all(numbers(1, 1000).map((count) => hub.publish("chat", count)));
    await last("a", "1000");
    expect(await list("a")).toEqual(numbers(901, 1000));
    expect(await heard("a")).toEqual(numbers(1, 1000));
    expect((await renders("a")) - before).toBeLessThanOrEqual(50);
  });

  it("goes on where it was when it is shown again after it was hidden", async () => {
    const { hub, url } = await serve();
    const { show, hide, state, last, list, heard, sockets } = await open(url);
    const room = { id: "a", channel: "chat" };
    await show(room);
    await state("open websocket");
    await hub.publish("chat", 1);
    await last("a", "1");
    await hide(room);
    await expect.poll(sockets, POLL).toBe(0);
    for (let count = 2; count <= 9; count += 1) await hub.publish("chat", count);
    await show(room);
    await last("a", "9");
    expect(await list("a")).toEqual(numbers(1, 9));
    expect(await heard("a")).toEqual(numbers(1, 9));
  });

  it("takes over a page that was rendered on the server, from the cursor of that moment", async () => {
    const hub = createHub();
    await hub.publish("chat", "before");
    const room = { id: "a", channel: "chat", from: await hub.cursor("chat") };
    const push = connect("http://127.0.0.1:1/push");
    const notes = { renders: {}, heard: {} };
    const { url } = await serve(hub, renderToString(createElement(App, { push, notes, rooms: [room] })));
    const { page, hydrate, last, list, errors, clientErrors } = await open(url);
    expect(await page.textContent("#a h2")).toBe("chat");
    await hub.publish("chat", "between");
    await hydrate(room);
    await last("a", "between");
    await hub.publish("chat", "after");
    await last("a", "after");
    expect(await list("a")).toEqual(["between", "after"]);
    expect([errors, await clientErrors()]).toEqual([[], []]);
  });

  it("tells why the connection was closed by itself", async () => {
    const { hub, url } = await serve();
    await hub.publish("chat", 1);
    const { show, state, clientErrors } = await open(`${url}?transports=stream`);
    const ahead = (await hub.cursor("chat")).replace(":1", ":99");
    await show({ id: "a", channel: "chat", from: ahead });
    await state("closed invalid_cursor");
    expect(await clientErrors()).toEqual([expect.stringContaining("TailwireError")]);
  });

  it("is a chat in two windows, in examples/react", async () => {
    const root = path.resolve(import.meta.dirname, "../..");
    const example = (await import(pathToFileURL(path.join(root, "examples/react/server.js")).href)) as Example;
    const { server, hub } = await example.createServer(tailwire, {
      alias: {
        "tailwire/client": path.join(root, "src/client/index.ts"),
        "tailwire/react": path.join(root, "src/react/index.ts"),
      },
    });
    const { url } = await listen(server);
    onTestFinished(() => hub.close());
    const pages: Page[] = [];
    for (const name of ["Anna", "Ben"]) {
      const page = await (await browser.newContext()).newPage();
      onTestFinished(() => page.context().close());
      await page.goto(url);
      await page.waitForSelector('output:text-matches("^open, over ")');
      await page.fill("input", `I am ${name}`);
      await page.click("button");
      pages.push(page);
    }
    for (const page of pages) {
      await page.waitForSelector("li:has-text('I am Ben')");
      const said = await page.$$eval("li", (all) => all.map((each) => each.textContent?.replace(/^.*(?=I am)/, "")));
      expect(said).toEqual(["I am Anna", "I am Ben"]);
    }
  });

  it("hands a channel that cannot be one to the error boundary", async () => {
    const { url } = await serve();
    const { show, page, clientErrors } = await open(url);
    await show({ id: "a", channel: "not a name" });
    await page.waitForFunction(() => document.querySelector("main")?.childElementCount === 0);
    expect(await clientErrors()).toEqual([expect.stringMatching(/^TailwireError: /)]);
  });
});

interface Example {
  createServer(from: typeof tailwire, options: BuildOptions): Promise<{ readonly server: Server; readonly hub: Hub }>;
}

async function listenOn(server: Server, wanted = 0): Promise<number> {
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function end(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

const listOf = (page: Page, id: string) => page.$$eval(`#${id} li`, (all) => all.map((each) => each.textContent));

function numbers(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
}

function opOf(line: string): string {
  const { op, channel } = JSON.parse(line) as { readonly op: string; readonly channel: string };
  return `${op} ${channel}`;
}
