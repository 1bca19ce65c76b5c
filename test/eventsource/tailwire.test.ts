/** An EventSource of ours at a Tailwire server: cut, resumed, renewed, in Node and in real Chromium. */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { EventSource } from "../../src/eventsource/index.ts";
import { memoryStore } from "../../src/index.ts";
import { eventually } from "../../src/testing/waiting.ts";
import { type CuttingProxy, cuttingProxy } from "../e2e/cutting-proxy.ts";
import { type Queue, queue } from "../e2e/queue.ts";
import { realPart } from "../e2e/real-parts.ts";
import { type Served, serve } from "../e2e/serve.ts";
import { bundleScript } from "./bundle.ts";
import { launch, newContext, TIMEOUT_MS } from "./chromium.ts";
import type { PageGlobals } from "./page.ts";

const program = realPart("chromium");

interface Behind extends Served {
  readonly proxy: CuttingProxy;
  /** What Last-Event-ID was, of each subscription. */
  readonly lastEventIds: (string | undefined)[];
}

/** A server behind a proxy, with a page that has our EventSource. */
async function behindProxy(): Promise<Behind> {
  const script = await bundleScript('import "test/eventsource/page.ts"');
  const lastEventIds: (string | undefined)[] = [];
  const served = await serve({
    path: "/push",
    hub: { store: memoryStore({ retention: { maxEvents: 100_000, maxBytes: 100 * 1024 * 1024 } }) },
    before: (server) =>
      server.on("request", ({ url }, response) => {
        if (url === "/page.js") response.setHeader("Content-Type", "text/javascript").end(script);
        else response.setHeader("Content-Type", "text/html").end("<!doctype html><script src=/page.js></script>");
      }),
  });
  served.server.on("request", ({ url = "", headers }) => {
    if (url.startsWith("/push/")) lastEventIds.push(headers["last-event-id"] as string | undefined);
  });
  return { ...served, proxy: await cuttingProxy(served.port), lastEventIds };
}

type Listen = (url: string, tell: (text: string) => void) => Promise<void>;

const inNode: Listen = async (url, tell) => {
  const source = new EventSource(url);
  onTestFinished(() => source.close());
  for (const type of ["message", "greeting", "$open", "$gap"]) {
    source.addEventListener(type, ({ data }) => tell(type.startsWith("$") ? type : `${type}: ${data}`));
  }
  source.onerror = () => tell(`error ${source.readyState}`);
};

describe("in Node", { timeout: TIMEOUT_MS }, () => {
  it("receives, is cut, comes back with Last-Event-ID, and misses nothing", () => isCut(inNode));
});

describe.skipIf(program.missing)("in real Chromium", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch(program);
  });

  afterAll(() => browser?.close());

  async function inPage(url: string, tell: (text: string) => void, maxResponseBytes?: number): Promise<void> {
    const page = await (await newContext(browser)).newPage();
    await page.exposeFunction("tell", tell);
    await page.goto(new URL("/", url).href);
    await page.evaluate(
      (given) => {
        const { tell: say, OwnEventSource } = globalThis as unknown as PageGlobals & { tell(text: string): void };
        const source = new OwnEventSource(given.url, given.init);
        for (const type of ["message", "greeting", "$open", "$gap"]) {
          source.addEventListener(type, ({ data }) => say(type.startsWith("$") ? type : `${type}: ${data}`));
        }
        source.onerror = () => say(`error ${source.readyState}`);
      },
      { url, init: maxResponseBytes === undefined ? {} : { maxResponseBytes } },
    );
  }

  it("receives, is cut, comes back with Last-Event-ID, and misses nothing", () => isCut(inPage));

  it("renews its connection while events are published, and misses none", async () => {
    const { hub, proxy, lastEventIds } = await behindProxy();
    const told = queue<string>();
    await inPage(`${proxy.url}/push/channels/news`, told.push, 20_000);
    expect(await told.next()).toBe("$open");
    const text = "x".repeat(200);
    let count = 0;
    for (let round = 1; round <= 6; round += 1) {
      // The next ones are published while the connection is made anew for those before.
      const published = Promise.all(
        Array.from({ length: 200 }, (_, at) => hub.publish("news", `${count + at + 1} ${text}`)),
      );
      for (const end = count + 200; count < end; ) {
        const next = await told.next();
        if (next !== "$open") expect(next).toBe(`message: ${++count} ${text}`);
      }
      await published;
    }
    await eventually("several connections", () => lastEventIds.length > 3);
  });
});

async function isCut(listen: Listen): Promise<void> {
  const { hub, server, proxy, lastEventIds } = await behindProxy();
  await hub.publish("news", "before");
  const told: Queue<string> = queue();
  await listen(`${proxy.url}/push/channels/news?from=earliest`, told.push);
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

  server.closeAllConnections();
  expect(await told.next()).toBe("error 0");
  await hub.purge("news");
  await hub.publish("news", "a new life");
  expect([await told.next(), await told.next(), await told.next()]).toEqual(["$open", "$gap", "message: a new life"]);
  expect(lastEventIds).toEqual([undefined, id, expect.any(String)]);
}
