/** Pages of real Chromium that have both EventSources, and workers that do. */

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import type { RealPart } from "../e2e/real-parts.ts";
import { bundleScript } from "./bundle.ts";
import type { PageOrder } from "./page.ts";
import { type ScriptedServer, scriptedServer } from "./scripted-server.ts";

export const TIMEOUT_MS = 60_000;
const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

export const launch = (program: RealPart): Promise<Browser> =>
  chromium.launch({ executablePath: program.path, args: ARGS });

/** In which global an EventSource is made; the last has no XMLHttpRequest. */
export const PLACES = ["a page", "a worker", "a service worker"] as const;
export type Place = (typeof PLACES)[number];

export interface TestPage {
  readonly page: Page;
  readonly server: ScriptedServer;
  /** Records in a place what the order says, as {@link record} does. */
  run(place: Place, order: PageOrder): Promise<readonly string[]>;
}

/** A page of a server of its own, until the test is over. */
export async function testPage(browser: Browser): Promise<TestPage> {
  const server = await scriptedServer();
  await servePage(server);
  const context = await newContext(browser);
  const page = await context.newPage();
  await page.goto(`${server.url}/page`);
  return {
    page,
    server,
    run(place, order) {
      if (place === "a page") return page.evaluate((given) => (globalThis as unknown as Runner).run(given), order);
      return page.evaluate(inWorker, { isService: place === "a service worker", order });
    },
  };
}

/** Answers `/page` and `/page.js`; a script is one for all. */
export async function servePage(server: ScriptedServer, html = ""): Promise<void> {
  bundled ??= bundleScript('import "test/eventsource/page.ts"');
  const script = await bundled;
  server.on("/page.js", (_, response) => {
    response.writeHead(200, { "Content-Type": "text/javascript", "Service-Worker-Allowed": "/" }).end(script);
  });
  server.on("/page", (_, response) => {
    response
      .writeHead(200, { "Content-Type": "text/html; charset=utf-8" })
      .end(`<!doctype html>${html}<script src="/page.js"></script>`);
  });
}

let bundled: Promise<string> | undefined;

export async function newContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext();
  context.setDefaultTimeout(TIMEOUT_MS);
  onTestFinished(() => context.close());
  return context;
}

interface Runner {
  run(order: PageOrder): Promise<readonly string[]>;
}

/** Runs in the page. */
async function inWorker(given: { readonly isService: boolean; readonly order: PageOrder }): Promise<readonly string[]> {
  const { port1, port2 } = new MessageChannel();
  const lines = new Promise<readonly string[]>((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
  });
  if (given.isService) {
    await navigator.serviceWorker.register("/page.js");
    const { active } = await navigator.serviceWorker.ready;
    active?.postMessage(given.order, [port2]);
  } else {
    new Worker("/page.js").postMessage(given.order, [port2]);
  }
  return await lines;
}
