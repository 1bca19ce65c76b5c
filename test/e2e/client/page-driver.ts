/** Pages of a real browser, each with a client that the test drives. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { realPart } from "../real-parts.ts";
import { Inbox } from "./inbox.ts";
import type { PageClient } from "./page-script.ts";
import type { AtEnd } from "./push-server.ts";
import type { Told } from "./recorder.ts";

const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Whether Chromium is not here: `describe.skipIf(chromiumPart.missing)`. */
export const chromiumPart = realPart("chromium");

/** A page with a client, and what that has told. */
export interface ClientPage extends Inbox {
  readonly page: Page;
  /** Calls one of the client's functions in the page. */
  call<K extends keyof PageClient>(
    name: K,
    ...args: Parameters<PageClient[K]>
  ): Promise<Awaited<ReturnType<PageClient[K]>>>;
  /** Chromium's own protocol, for what playwright has no function for. */
  devTools(): Promise<CDPSession>;
}

let script: string | undefined;

/** The client as it is in src, for a page. */
export function pageScript(): string {
  script ??= buildSync({
    entryPoints: [path.join(import.meta.dirname, "page-script.ts")],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2020",
  }).outputFiles[0]?.text;
  return script ?? "";
}

/** Starts Chromium for the tests of the describe that this is called in. */
export function useChromium(): { newContext(atEnd?: AtEnd): Promise<BrowserContext>; readonly browser: Browser } {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPart.path, args: ARGS });
  });
  afterAll(() => browser?.close());
  return {
    get browser() {
      return browser;
    },
    async newContext(atEnd = onTestFinished) {
      const context = await browser.newContext();
      atEnd(() => context.close());
      return context;
    },
  };
}

/**
 * Starts a Chromium of its own for the tests of the describe that this is called in. Its pages are tabs of one window,
 * as a user has them: only one can be seen, and the others can freeze. (Otherwise playwright makes each page believe
 * that it is seen, and nothing that is seen freezes.)
 */
export function useTabs(): { newContext(): Promise<BrowserContext> } {
  let child: ChildProcess;
  let folder: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "tailwire-chromium-"));
    const args = [...ARGS, "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"];
    child = spawn(chromiumPart.path, args, { stdio: ["ignore", "ignore", "pipe"] });
    browser = await chromium.connectOverCDP(await addressOf(child), { noDefaults: true });
  });
  afterAll(async () => {
    const exited = once(child, "exit");
    const tools = await browser.newBrowserCDPSession();
    await tools.send("Browser.close").catch(() => {}); // closed before it could answer
    await exited;
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });
  return {
    // Origins tell the tests apart: each has a server at a port of its own.
    async newContext() {
      const [context] = browser.contexts() as [BrowserContext];
      onTestFinished(async () => {
        for (const page of context.pages().slice(1)) await page.close();
      });
      return context;
    },
  };
}

/** Where Chromium says that it listens. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  let text = "";
  for await (const piece of stderr ?? []) {
    text += piece;
    const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`Chromium did not start: ${text}`);
}

/**
 * Opens a page, such as that of a `PushServer`, and waits until its script is there.
 * @param prepare what is done before anything is loaded
 */
export async function openPage(
  context: BrowserContext,
  url: string,
  prepare: (page: Page) => Promise<unknown> = async () => {},
): Promise<ClientPage> {
  const page = await context.newPage();
  await prepare(page);
  const inbox = new Inbox();
  await page.exposeFunction("tell", (told: string) => inbox.add(...(JSON.parse(told) as Told[])));
  await page.goto(url);
  return Object.assign(inbox, {
    page,
    call: (name: string, ...args: unknown[]) =>
      page.evaluate(
        ([name, args]) => {
          const { client } = globalThis as unknown as { client: Record<string, (...args: unknown[]) => unknown> };
          return client[name]?.(...args);
        },
        [name, args] as const,
      ),
    devTools: () => context.newCDPSession(page),
  }) as ClientPage;
}

/** Freezes a page, as a browser does with those that were hidden for long. Returns what thaws it. */
export async function freeze({ page, devTools }: ClientPage): Promise<() => Promise<void>> {
  const tools = await devTools();
  await page.evaluate(() => {
    const frozen = new Promise((resolve) => addEventListener("freeze", resolve, { capture: true, once: true }));
    Object.assign(globalThis, { frozen });
  });
  await tools.send("Page.setWebLifecycleState", { state: "frozen" });
  await page.evaluate(async () => void (await (globalThis as unknown as { frozen: Promise<unknown> }).frozen));
  return async () => {
    await tools.send("Page.setWebLifecycleState", { state: "active" });
  };
}
