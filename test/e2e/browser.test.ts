/** Real Chromium: its own EventSource and WebSocket through cuts, and the chat, in windows and tabs. */

import { once } from "node:events";
import { type Browser, type BrowserContext, chromium, type Page, type WebSocket as PageSocket } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket as NodeWebSocket } from "ws";
import { startCommandLine } from "./command-line.ts";
import { type CuttingProxy, cuttingProxy } from "./cutting-proxy.ts";
import { type Queue, queue } from "./queue.ts";
import { realPart } from "./real-parts.ts";
import { dataOf, type Served, serve } from "./serve.ts";

const program = realPart("chromium");
const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
/** The browser waits three seconds before it comes back. */
const TIMEOUT_MS = 60_000;

describe.skipIf(program.missing)("real Chromium", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program.path, args: ARGS });
  });

  afterAll(() => browser?.close());

  async function newContext(): Promise<BrowserContext> {
    const context = await browser.newContext();
    context.setDefaultTimeout(TIMEOUT_MS);
    onTestFinished(() => context.close());
    return context;
  }

  /** A server behind a proxy, and an empty page of its own origin that can `tell` the test something. */
  async function behindProxy(): Promise<Served & { proxy: CuttingProxy; page: Page; told: Queue<string> }> {
    const served = await serve({
      path: "/push",
      before: (server) => server.on("request", (_, res) => res.end("<!doctype html><title>a page</title>")),
    });
    const proxy = await cuttingProxy(served.port);
    const told = queue<string>();
    const page = await (await newContext()).newPage();
    await page.exposeFunction("tell", (text: string) => told.push(text));
    await page.goto(proxy.url);
    return { ...served, proxy, page, told };
  }

  describe("its own EventSource", () => {
    it("receives typed events, is cut, comes back with Last-Event-ID by itself, and misses nothing", async () => {
      const { hub, server, proxy, page, told } = await behindProxy();
      await hub.publish("news", "before");
      const lastEventIds: unknown[] = [];
      server.on("request", ({ headers, url = "" }) => {
        if (url.startsWith("/push/channels/")) lastEventIds.push(headers["last-event-id"]);
      });
      await page.evaluate(() => {
        const { tell } = globalThis as unknown as { tell(text: string): void };
        const source = new EventSource("/push/channels/news?from=earliest");
        for (const type of ["message", "greeting", "$open", "$gap"]) {
          source.addEventListener(type, ({ data }) => tell(type.startsWith("$") ? type : `${type}: ${data}`));
        }
        source.onerror = () => tell(`error ${source.readyState}`);
      });
      expect([await told.next(), await told.next()]).toEqual(["$open", "message: before"]);
      await hub.publish("news", "hello\n\r\n you", { type: "greeting" });
      expect(await told.next()).toBe("greeting: hello\n\n you");
      const { id } = await hub.publish("news", { a: "ü🙂" });
      expect(await told.next()).toBe('message: {"a":"ü🙂"}');

      proxy.cut();
      expect(await told.next()).toBe("error 0");
      for (let count = 1; count <= 900; count += 1) await hub.publish("news", count);
      proxy.release();
      expect(await told.next()).toBe("$open");
      for (let count = 1; count <= 900; count += 1) expect(await told.next()).toBe(`message: ${count}`);
      expect(lastEventIds).toEqual([undefined, id]);

      proxy.cut();
      expect(await told.next()).toBe("error 0");
      for (let count = 1; count <= 1010; count += 1) await hub.publish("news", count);
      proxy.release();
      expect([await told.next(), await told.next(), await told.next()]).toEqual(["$open", "$gap", "message: 11"]);
    });
  });

  describe("its WebSocket", () => {
    it("receives, publishes, is cut, resumes from its last id, and misses nothing", async () => {
      const { hub, url, proxy, page, told } = await behindProxy();
      await page.evaluate(() => {
        const { tell } = globalThis as unknown as { tell(text: string): void };
        let from = "now";
        let socket: WebSocket;
        const connect = () => {
          const address = `ws://${location.host}/push/channels/news?from=${from}`;
          socket = new WebSocket(address, "tailwire.v1");
          socket.onmessage = ({ data }) => {
            for (const line of data.split("\n")) {
              const message = JSON.parse(line);
              from = message.id ?? message.cursor ?? from;
              tell(message.type === "message" ? String(message.data) : message.type);
            }
          };
          socket.onclose = ({ code }) => {
            tell(`closed ${code}`);
            connect();
          };
        };
        Object.assign(globalThis, { publish: (data: string) => socket.send(data) });
        connect();
      });
      expect(await told.next()).toBe("$open");
      await hub.publish("news", "hello");
      expect(await told.next()).toBe("hello");
      await page.evaluate(() => {
        const { publish } = globalThis as unknown as { publish(text: string): void };
        publish('{"op":"publish","ref":1,"channel":"other","data":12345678901234567890}');
      });
      expect(await told.next()).toBe("$ack");
      const log = await fetch(`${url}/push/channels/other?wait=0&from=earliest`);
      expect(await log.text()).toContain('"data":12345678901234567890');

      await hub.publish("news", "last seen");
      expect(await told.next()).toBe("last seen");
      proxy.cut();
      expect(await told.next()).toBe("closed 1006");
      for (let count = 1; count <= 900; count += 1) await hub.publish("news", `missed ${count}`);
      proxy.release();
      expect(await told.next()).toBe("$open");
      for (let count = 1; count <= 900; count += 1) expect(await told.next()).toBe(`missed ${count}`);
    });

    it("without a subprotocol has raw frames, and pongs by itself", async () => {
      const { port, hub } = await serve({ hub: { heartbeatMs: 1000 } });
      const address = `ws://127.0.0.1:${port}/channels/news`;
      const told = queue<string>();
      const page = await (await newContext()).newPage();
      await page.exposeFunction("tell", (text: string) => told.push(text));
      await page.evaluate((url) => {
        const { tell } = globalThis as unknown as { tell(text: string): void };
        const socket = new WebSocket(url);
        socket.binaryType = "arraybuffer";
        socket.onmessage = ({ data }) => tell(typeof data === "string" ? data : `${new Uint8Array(data)}`);
        socket.onopen = () => socket.send(new Uint8Array([0, 255]));
        socket.onclose = () => tell("closed");
      }, address);
      expect(await told.next()).toBe("0,255");
      // Another client's pings tell the time: three heartbeats in which neither side says anything.
      const metronome = new NodeWebSocket(address);
      onTestFinished(() => metronome.terminate());
      for (let pings = 0; pings < 3; pings += 1) await once(metronome, "ping");
      await hub.publish("news", "still there?");
      expect(await told.next()).toBe("still there?");
    });
  });

  describe("the chat", () => {
    const line = (text: string) => `#messages > li.line:has(.text:text-is("${text}"))`;

    /** In a window of its own: a context shares nothing with others. */
    async function openChat(url: string, context?: BrowserContext): Promise<Page> {
      const page = await (context ?? (await newContext())).newPage();
      page.on("dialog", (dialog) => {
        void dialog.dismiss();
        throw new Error(`the page opened a dialog: ${dialog.message()}`);
      });
      await page.goto(`${url}/chat`);
      await state(page, "live");
      return page;
    }

    const state = (page: Page, name: string) => page.waitForSelector(`#state[data-state=${name}]`);

    async function say(page: Page, name: string, text: string): Promise<void> {
      await page.fill("#name", name);
      await page.fill("#text", text);
      await page.click("#send");
    }

    it("shows what one writes to the other, with who and when, and as text only", async () => {
      const { url } = await startCommandLine();
      const [anna, ben] = [await openChat(url), await openChat(url)];
      await say(anna, "Anna", "Hello, Ben!");
      const seen = await ben.waitForSelector(line("Hello, Ben!"));
      expect(await (await seen.$(".name"))?.textContent()).toBe("Anna");
      expect(await (await seen.$("time"))?.getAttribute("datetime")).toMatch(/^\d{4}-\d\d-\d\dT/);
      expect(await seen.getAttribute("data-id")).toMatch(/^[a-z0-9]+:1$/);
      expect(await seen.getAttribute("class")).not.toContain("own");
      const own = await anna.waitForSelector(line("Hello, Ben!"));
      expect(await own.getAttribute("class")).toContain("own");
      await anna.waitForFunction(() => document.querySelector("#outbox")?.children.length === 0);

      const html = "<img src=x onerror=alert(1)>";
      await say(ben, "<b>Ben</b>", html);
      for (const page of [anna, ben]) {
        const evil = await page.waitForSelector(line(html));
        expect(await (await evil.$(".name"))?.textContent()).toBe("<b>Ben</b>");
        expect(await page.$$("#messages img, #messages b, #outbox img")).toEqual([]);
      }
      expect(await dataOf(url, "chat")).toEqual([
        { name: "Anna", text: "Hello, Ben!" },
        { name: "<b>Ben</b>", text: html },
      ]);
    });

    it("tells that it is cut, comes back by itself with what it missed, in order and once", async () => {
      const { url, port } = await startCommandLine();
      const proxy = await cuttingProxy(port);
      const [anna, ben] = [await openChat(proxy.url), await openChat(url)];
      await say(ben, "Ben", "before");
      await anna.waitForSelector(line("before"));
      proxy.cut();
      await state(anna, "reconnecting");
      for (const text of ["missed 1", "missed 2", "missed 3"]) {
        await say(ben, "Ben", text);
        await ben.waitForSelector(line(text));
      }
      await say(anna, "Anna", "written while cut");
      await anna.waitForSelector("#outbox > li[data-status]");
      expect(await texts(anna)).toEqual(["before"]);
      proxy.release();
      await state(anna, "live");
      await anna.waitForSelector(line("missed 3"));
      await say(ben, "Ben", "after");
      await anna.waitForSelector(line("after"));
      await ben.waitForSelector(line("written while cut"));
      await anna.waitForFunction(() => document.querySelector("#outbox")?.children.length === 0);
      expect((await texts(anna)).filter((text) => text !== "written while cut")).toEqual([
        ...["before", "missed 1", "missed 2", "missed 3", "after"],
      ]);
      await ben.waitForSelector(line("after"));
      expect(await texts(anna)).toEqual(await texts(ben));
    });

    it("shows to one who comes later what was said, and what curl sends", async () => {
      const { url } = await startCommandLine();
      for (let count = 1; count <= 60; count += 1) {
        await fetch(`${url}/channels/chat`, { method: "POST", body: `line ${count}` });
      }
      const page = await openChat(url);
      await page.waitForSelector(line("line 60"));
      expect(await texts(page)).toEqual(Array.from({ length: 50 }, (_, index) => `line ${index + 11}`));
    });

    it("has one connection for all tabs, which another goes on with when its tab is closed", async () => {
      const { url } = await startCommandLine();
      const context = await newContext();
      const sockets: PageSocket[] = [];
      context.on("page", (page) => page.on("websocket", (socket) => sockets.push(socket)));
      const isOpen = (socket: PageSocket) => !socket.isClosed();
      await fetch(`${url}/channels/chat`, { method: "POST", body: "before" });
      const tabs: Page[] = [];
      for (const count of [1, 2, 3]) {
        const tab = await openChat(url, context);
        expect(await tab.textContent("#state")).toBe("live over websocket");
        await tab.waitForSelector(line("before"));
        tabs.push(tab);
        // The later ones fetched by themselves what was said before they came.
        await Promise.all(sockets.slice(1).map((socket) => isOpen(socket) && socket.waitForEvent("close")));
        expect([count, sockets.filter(isOpen)]).toEqual([count, sockets.slice(0, 1)]);
      }
      const [first, second, third] = tabs as [Page, Page, Page];
      await say(second, "Ben", "to all");
      for (const tab of tabs) await tab.waitForSelector(line("to all"));

      await first.close();
      await fetch(`${url}/channels/chat`, { method: "POST", body: "while nobody leads" });
      for (const tab of [second, third]) await tab.waitForSelector(line("while nobody leads"));
      await state(second, "live");
      await say(third, "Ida", "after");
      for (const tab of [second, third]) {
        await tab.waitForSelector(line("after"));
        expect(await texts(tab)).toEqual(["before", "to all", "while nobody leads", "after"]);
      }
      // The first one's ended with its tab.
      expect(sockets.slice(1).filter(isOpen)).toHaveLength(1);
    });

    it("says what could not be sent, and why, and keeps it to be sent again or removed", async () => {
      const { url } = await startCommandLine("--max-event-bytes", "100");
      const page = await openChat(url);
      await say(page, "Anna", "x".repeat(200));
      const failed = "#outbox > li[data-status=failed]";
      await page.waitForSelector(`${failed}:has-text("not sent: the event is larger than 100 bytes")`);
      await page.click(`${failed} .retry`);
      await page.click(`${failed} .discard`);
      await say(page, "Anna", "short");
      await page.waitForSelector(line("short"));
      await page.waitForFunction(() => document.querySelector("#outbox")?.children.length === 0);
      expect(await texts(page)).toEqual(["short"]);
    });

    const texts = (page: Page) =>
      page.$$eval("#messages > li.line .text", (all) => all.map((each) => each.textContent));
  });

  it("shows the landing page without an error, with what happens in its channel", async () => {
    const { url } = await startCommandLine();
    const page = await (await newContext()).newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    const answer = await page.goto(url);
    expect(answer?.status()).toBe(200);
    await page.waitForSelector("#state[data-state=live]");
    await page.fill("#data", "from the page");
    await page.press("#data", "Enter");
    await page.waitForSelector('#events .data:text-is("from the page")');
    expect(await page.inputValue("#data")).toBe("");
    expect(await page.textContent("#position")).toMatch(/^[a-z0-9]+:1$/);
    await page.click('a[href$="chat"]');
    await page.waitForSelector("#state[data-state=live]");
    expect(errors).toEqual([]);
  });
});
