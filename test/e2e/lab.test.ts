/** The transport lab in real Chromium: every transport receives, is cut, comes back and has lost nothing. */

import { createHash } from "node:crypto";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startCommandLine } from "./command-line.ts";
import { realPart } from "./real-parts.ts";
import { dataOf } from "./serve.ts";

const program = realPart("chromium");
const ARGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const TIMEOUT_MS = 60_000;
/** For each step, so that it is said which one it was. */
const STEP_MS = 40_000;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Each with what its request's head has, also when it comes back. */
const TRANSPORTS: readonly (readonly [id: string, head: RegExp])[] = [
  ["poll", /wait=0 HTTP[\s\S]*If-None-Match: "\w+:\d+"/],
  ["long-poll", /wait=25 HTTP[\s\S]*If-None-Match: "\w+:\d+"/],
  ["jsonp", /callback=tailwireLab\d+[\s\S]*Sec-Fetch-Dest: script/],
  ["iframe", /transport=iframe[\s\S]*Sec-Fetch-Dest: iframe/],
  ["xhr", /Accept: application\/x-ndjson/],
  ["fetch", /Accept: application\/x-ndjson/],
  ["sse", /Accept: text\/event-stream/],
  ["websocket", /Upgrade: websocket[\s\S]*Sec-WebSocket-Protocol: tailwire\.v1/],
];

describe.skipIf(program.missing)("the transport lab", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program.path, args: ARGS });
  });

  afterAll(() => browser?.close());

  async function newContext(): Promise<BrowserContext> {
    const context = await browser.newContext();
    context.setDefaultTimeout(STEP_MS);
    onTestFinished(() => context.close());
    return context;
  }

  /** The lab over a server with all transports, which promises a heartbeat so often that silence is soon noticed. */
  async function openLab(...args: readonly string[]): Promise<{ readonly page: Page; readonly url: string }> {
    const { url } = await startCommandLine("--heartbeat-ms", "1000", ...args);
    const page = await (await newContext()).newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) faults.push(message.text());
    });
    onTestFinished(() => expect(faults).toEqual([]));
    await page.goto(`${url}/lab?channel=a`);
    await state(page, "websocket", "live");
    return { page, url };
  }

  const legacyLab = () => openLab("--legacy-transports");

  const state = (page: Page, id: string, ...names: readonly string[]) =>
    page.waitForSelector(names.map((name) => `#${id}[data-state=${name}]`).join(","));

  const text = async (page: Page, selector: string) => (await page.textContent(selector)) ?? "";

  /** Waits until an element says what is expected. */
  const says = (page: Page, selector: string, expected: string | RegExp) =>
    page.locator(selector).filter({ hasText: expected }).waitFor({ state: "attached" });

  async function publishFromElsewhere(url: string, from: number, to: number): Promise<void> {
    for (let count = from; count <= to; count += 1) {
      await fetch(`${url}/channels/a`, { method: "POST", body: `event ${count}` });
    }
  }

  /** Has a transport run, and at most five that hold a connection. */
  async function run(page: Page, id: string): Promise<void> {
    if (id === "fetch") await page.uncheck("#xhr input");
    await page.check(`#${id} h2 input`);
    await state(page, id, "live", "waiting");
  }

  it.each(TRANSPORTS)("%s receives, is cut, and comes back to what was published meanwhile", async (id, head) => {
    const { page, url } = await legacyLab();
    await run(page, id);
    await page.fill("#text", "from this page");
    await page.click("#publish button");
    await says(page, `#${id} .events .data`, "from this page");
    expect(await text(page, `#${id} .events .delay`)).toMatch(/^(<1|\d+) ms$|^\d\.\d s$/);
    await says(page, `#${id} .count`, /^1 event$/);

    await page.click(`#${id} .cut-one`);
    await state(page, id, "cut");
    await publishFromElsewhere(url, 2, 26);
    // The page would be told of them if it were connected: another transport of it has been.
    const other = id === "websocket" ? "sse" : "websocket";
    await says(page, `#${other} .count`, /^26 events$/);
    expect(await text(page, `#${id} .count`)).toBe("1 event");

    await page.click(`#${id} .cut-one`);
    await says(page, `#${id} .count`, /^26 events$/);
    expect(await text(page, `#${id} .whole`)).toBe("✓ none lost");
    const shown = await page.$$eval(`#${id} .events .data`, (all) => all.map((each) => each.textContent));
    expect(shown.reverse()).toEqual(["from this page", ...Array.from({ length: 25 }, (_, n) => `event ${n + 2}`)]);

    await page.click(`#${id} .unfold`);
    await page.waitForSelector(`#${id} .explained`);
    await says(page, `#${id} .up pre`, head);
    await says(page, `#${id} .down pre`, /^HTTP\/1\.1 (101|200|304) |^\(no answer yet\)$/);
    await says(page, `#${id} .down figcaption`, /^Answer ↓ \d/);
    await says(page, `#${id} .requests`, /^\d+ requests$/);
    if (id === "sse") await says(page, "#sse .up pre", /Last-Event-ID: \w+:1\n/);
  });

  it("a raw WebSocket, which has no positions, loses what it missed, and says so", async () => {
    const { page } = await openLab();
    await run(page, "websocket-raw");
    await page.click("#publish button");
    await says(page, "#websocket-raw .count", /^1 event$/);
    await page.click("#websocket-raw .cut-one");
    await page.click("#burst");
    await says(page, "#websocket .count", /^21 events$/);
    await page.click("#websocket-raw .cut-one");
    await state(page, "websocket-raw", "live");
    await page.click("#publish button");
    await says(page, "#websocket-raw .whole", "20 lost");
    expect(await text(page, "#websocket-raw .count")).toBe("2 events");
    expect(await text(page, "#websocket .whole")).toBe("✓ none lost");
  });

  it("works a handshake out as RFC 6455 has it, with the values of the real one", async () => {
    const { page } = await openLab();
    await page.click("#websocket .unfold");
    await page.waitForSelector("#websocket .verdict[data-same=true]");
    const value = (name: string) => text(page, `#websocket [data-value=${name}]`);
    const key = await value("key");
    expect(await value("random")).toBe(inHex(Buffer.from(key, "base64")));
    expect(await value("joined")).toBe(key + GUID);
    const digest = createHash("sha1").update(`${key}${GUID}`).digest();
    expect(await value("digest")).toBe(inHex(digest));
    expect(await value("accept")).toBe(digest.toString("base64"));
    expect(await value("answered")).toBe(digest.toString("base64"));
    expect(await text(page, "#websocket .up pre")).toContain(`Sec-WebSocket-Key: ${key}\n`);
  });

  it("has a SHA-1 that is SHA-1, over every way in which blocks can be filled", async () => {
    const { page } = await openLab();
    // As text: the test runner would put an import of its own in the place of this one.
    const digests = await page.evaluate(`
      import(new URL("pages/lab-sha1.js", document.baseURI)).then(({ sha1 }) =>
        Array.from({ length: 200 }, (_, length) => Array.from(sha1(Uint8Array.from({ length }, (_, at) => at * 7)))))`);
    const expected = Array.from({ length: 200 }, (_, length) => {
      const message = Uint8Array.from({ length }, (_, at) => at * 7);
      return [...createHash("sha1").update(message).digest()];
    });
    expect(digests).toEqual(expected);
  });

  it("publishes one, a burst and one a second, and cuts all and lets all back", async () => {
    const { page, url } = await openLab();
    await page.fill("#text", "<b>hello</b>");
    await page.click("#publish button");
    await says(page, "#sse .events .data", "<b>hello</b>");
    expect(await dataOf(url, "a")).toMatchObject([{ n: 1, text: "<b>hello</b>" }]);
    await page.fill("#text", "");
    await page.click("#burst");
    await says(page, "#sse .count", /^21 events$/);
    await page.click("#steady");
    await says(page, "#sse .count", /^23 events$/);

    await page.click("#cut-all");
    for (const id of ["poll", "long-poll", "xhr", "fetch", "sse", "websocket"]) await state(page, id, "cut");
    await page.click("#steady");
    const published = (await dataOf(url, "a")).length;
    expect(await text(page, "#cut-all")).toBe("Let all back");
    await page.click("#cut-all");
    for (const id of ["poll", "long-poll", "xhr", "fetch", "sse", "websocket"]) {
      await state(page, id, "live", "waiting");
      await says(page, `#${id} .count`, new RegExp(`^${published} events$`));
      expect(await text(page, `#${id} .whole`)).toBe("✓ none lost");
    }
    expect(await text(page, "#notice")).toBe("");
  });

  it("draws short polls as short bars, long polls as bars that end with an event, a stream as one that goes on", async () => {
    const { page } = await openLab();
    await says(page, "#poll .requests", /^[3-9] requests$/);
    for (const expected of [1, 2, 3]) {
      await page.click("#publish button");
      await says(page, "#long-poll .count", new RegExp(`^${expected} events?$`));
    }
    const drawn = (id: string) =>
      page.$$eval(`#${id} .timeline rect.asked, #${id} .timeline rect.answered`, (bars) =>
        bars.map((bar) => ({ kind: bar.getAttribute("class"), ms: Number(bar.getAttribute("width")) })),
      );
    const polls = await drawn("poll");
    expect(polls.length).toBeGreaterThanOrEqual(6);
    expect(Math.max(...polls.map(({ ms }) => ms))).toBeLessThan(1_000);
    expect((await drawn("long-poll")).filter(({ kind }) => kind === "asked")).toHaveLength(4);
    const stream = await drawn("sse");
    expect(stream.map(({ kind }) => kind)).toEqual(["asked", "answered"]);
    expect(stream[1]?.ms).toBeGreaterThan(3_000);
    for (const id of ["long-poll", "sse", "websocket"]) {
      expect(await page.$$(`#${id} .timeline .event`)).toHaveLength(3);
    }
  });

  it("says which of the six connections are held, and lets a publish wait where none is left", async () => {
    const { page } = await legacyLab();
    await says(page, "#slots-text", "5 of 6 connections held");
    await page.check("#fetch h2 input");
    await says(page, "#slots-text", "6 of 6 connections held: none is left");
    await page.click("#publish button");
    await says(page, "#notice", "Waiting: the browser gives this server six connections");
    expect(await text(page, "#websocket .count")).toBe("0 events");
    await page.uncheck("#sse h2 input");
    await says(page, "#websocket .count", /^1 event$/);
    await says(page, "#notice", /^$/);
    await page.check("#sse h2 input");
    await says(page, "#sse .count", /^1 event$/);
  });

  it("says of scripts and frames that they are switched off, and how to switch them on", async () => {
    const { page } = await openLab();
    for (const id of ["jsonp", "iframe"]) {
      expect(await text(page, `#${id} .state`)).toBe("off: needs --legacy-transports");
      expect(await page.isChecked(`#${id} h2 input`)).toBe(false);
      await page.click(`#${id} .unfold`);
      await page.waitForSelector(`#${id} .legacy:has-text("tailwire serve --legacy-transports")`);
    }
    await state(page, "fetch", "live");
  });

  it("takes another channel, and says where a name is none", async () => {
    const { page, url } = await openLab();
    await page.fill("#channel", "b");
    await page.click("#channel-form button");
    await page.waitForURL(`${url}/lab?channel=b`);
    await state(page, "sse", "live");
    await page.click("#publish button");
    await says(page, "#sse .count", /^1 event$/);
    expect(await dataOf(url, "b")).toHaveLength(1);
    await page.goto(`${url}/lab?channel=$x`);
    await says(page, "#state", "“$x” is no channel name");
  });

  it("is found from the landing page, and works under a base path", async () => {
    const { url } = await startCommandLine("--path", "/push");
    const page = await (await newContext()).newPage();
    await page.goto(url);
    await page.click('a[href$="lab"]');
    await page.waitForURL(`${url}/lab`);
    await state(page, "websocket", "live");
    await page.click("#publish button");
    for (const id of ["poll", "long-poll", "xhr", "fetch", "sse", "websocket"]) {
      await says(page, `#${id} .count`, /^1 event$/);
      await says(page, `#${id} .numbers .down`, "↓");
    }
  });
});

function inHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
