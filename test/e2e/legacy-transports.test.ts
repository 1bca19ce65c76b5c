/** Scripts and frames in real Chromium, in the page of another origin. */

import { createServer } from "node:http";
import { type Browser, chromium, type Frame, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { HandlerOptions } from "../../src/index.ts";
import { type Queue, queue } from "./queue.ts";
import { realPart } from "./real-parts.ts";
import { dataOf, listen, type Served, serve } from "./serve.ts";

const program = realPart("chromium");
const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

type Message = Readonly<Record<string, unknown>>;

interface Stage extends Served {
  readonly page: Page;
  /** The page's origin. */
  readonly origin: string;
  /** What the page tells, in JSON. */
  told(): Promise<Message>;
}

describe.skipIf(program.missing)("real Chromium", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program.path, args: ARGS });
  });

  afterAll(() => browser?.close());

  /** A page, and a server of another origin that allows it. */
  async function stage(options: HandlerOptions = {}, allowed = true): Promise<Stage> {
    const site = await listen(createServer((_, res) => res.end("<!doctype html><title>a page</title>")));
    const origin = site.url;
    const handler = { legacyTransports: true, allowOrigins: allowed ? [origin] : [], ...options };
    const served = await serve({ handler });
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const messages: Queue<string> = queue();
    await page.exposeFunction("tell", (text: string) => messages.push(text));
    await page.goto(origin);
    return { ...served, page, origin, told: async () => JSON.parse(await messages.next()) as Message };
  }

  /** Puts a frame into the page; tells what is posted, and when the frame's document is at its end. */
  async function load({ page, url }: Stage, query: string): Promise<void> {
    await page.evaluate(
      ([src, server]) => {
        const { tell } = globalThis as unknown as { tell(text: string): void };
        const frame = document.createElement("iframe");
        addEventListener("message", ({ source, origin, data }) => {
          if (source !== frame.contentWindow || origin !== server) tell(JSON.stringify({ stranger: origin, data }));
          else tell(JSON.stringify(typeof data === "string" ? { text: data.slice(0, 20) } : data));
        });
        // What it posted before may be on its way from another process still.
        frame.onload = () => setTimeout(() => tell('{"loaded":true}'), 100);
        frame.hidden = true;
        frame.src = src;
        document.body.append(frame);
      },
      [`${url}/channels/news?${query}`, url] as const,
    );
  }

  describe("a frame", () => {
    it("posts each message as soon as it is written, and its document does not grow", async () => {
      const current = await stage();
      const { hub, page, origin, told } = current;
      await load(current, `transport=iframe&origin=${origin}&probe=0.05`);
      // Each comes although nothing is written behind it.
      expect(await told()).toMatchObject({ type: "$open", transport: "iframe" });
      expect(await told()).toMatchObject({ type: "$heartbeat" });
      await hub.publish("news", "first");
      expect(await told()).toMatchObject({ type: "message", data: "first" });
      const frame = page.frames()[1] as Frame;
      const size = () => frame.evaluate(() => [document.documentElement.outerHTML.length, document.scripts.length]);
      const before = await size();
      for (let n = 1; n <= 200; n += 1) {
        await hub.publish("news", `${n} ${"x".repeat(100)}`);
        if (n % 50 === 0) for (let m = n - 49; m <= n; m += 1) expect(String((await told()).data)).toContain(`${m} `);
      }
      expect(await size()).toEqual(before);
      expect(before[1]).toBe(0);
      await hub.close();
      expect(await told()).toMatchObject({ type: "$close", code: 1001 });
      expect(await told()).toEqual({ loaded: true });
    });

    it("lets nothing run that a publisher sends, and posts it all as it is", async () => {
      const current = await stage();
      const { hub, url, origin, told } = current;
      const evil = "</script><script>parent.postMessage({evil:1},'*')</script><!--\u2028";
      await hub.publish("news", { [evil]: evil }, { type: evil, key: evil });
      const json = (body: string) =>
        fetch(`${url}/channels/news`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
      await json('{"__proto__":{"a":1}}');
      await json(`${"[".repeat(3000)}${"]".repeat(3000)}`);
      await json(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
      await hub.publish("news", "the last");
      await load(current, `transport=iframe&origin=${origin}&from=earliest`);
      expect(await told()).toMatchObject({ type: "$open" });
      expect(await told()).toMatchObject({ type: evil, key: evil, data: { [evil]: evil } });
      expect(JSON.stringify((await told()).data)).toBe('{"__proto__":{"a":1}}');
      expect(await told()).toHaveProperty("data");
      expect(await told()).toEqual({ text: expect.stringMatching(/^\{"id":"/) }); // too deep to be posted as an object
      expect(await told()).toMatchObject({ data: "the last" });
    });

    it("that is full says when to load the next", async () => {
      const current = await stage({ maxIframeBytes: 1000 });
      const { hub, origin, told } = current;
      await load(current, `transport=iframe&origin=${origin}`);
      await told();
      await hub.publish("news", "x".repeat(1000));
      expect(await told()).toHaveProperty("data");
      expect(await told()).toMatchObject({ type: "$close", code: 1013, reconnectMs: 0 });
      expect(await told()).toEqual({ loaded: true });
    });

    it("posts one batch as iframe-poll, and is loaded", async () => {
      const current = await stage();
      const { hub, origin, told } = current;
      const { id } = await hub.publish("news", "hello");
      await load(current, `transport=iframe-poll&origin=${origin}&wait=0&from=earliest`);
      expect(await told()).toMatchObject({ cursor: id, events: [{ id, data: "hello" }] });
      expect(await told()).toEqual({ loaded: true });
    });

    it("is empty in the page of an origin that is not allowed, or that it was not made for", async () => {
      for (const [current, origin] of [
        [await stage({}, false), undefined],
        [await stage({ allowOrigins: ["http://app.example"] }), "http://app.example"],
      ] as const) {
        await load(current, `transport=iframe&origin=${origin ?? current.origin}&from=earliest`);
        expect(await current.told()).toEqual({ loaded: true });
      }
    });
  });

  describe("a script", () => {
    /** Loads a script, and tells what it calls back with, or that it failed. */
    async function script({ page, url }: Stage, query: string): Promise<void> {
      await page.evaluate((src) => {
        const page = globalThis as unknown as { tell(text: string): void; app: object };
        page.app = { take: (body: unknown) => page.tell(JSON.stringify(body)) };
        const element = document.createElement("script");
        element.onerror = () => page.tell('{"failed":true}');
        element.src = src;
        document.head.append(element);
      }, `${url}/channels/news?${query}`);
    }

    it("brings what comes while it waits, and what a script publishes", async () => {
      const current = await stage({}, false);
      const { url, store, told } = current;
      await script(current, "callback=app.take&wait=20");
      await store.whenFollowed(1);
      await script(current, `callback=app.take&publish=${encodeURIComponent('"</script>\u2028 hé"')}&type=said`);
      const [one, other] = [await told(), await told()];
      const [body, answer] = "events" in one ? [one, other] : [other, one];
      expect(answer).toEqual({ id: body.cursor, channel: "news" });
      expect(body).toMatchObject({ events: [{ id: answer.id, type: "said", data: "</script>\u2028 hé" }] });
      expect(await dataOf(url, "news")).toEqual(["</script>\u2028 hé"]);
    });

    it("fails where it is refused", async () => {
      const current = await stage({ legacyTransports: false });
      await script(current, "callback=app.take&wait=0");
      expect(await current.told()).toEqual({ failed: true });
    });
  });
});
