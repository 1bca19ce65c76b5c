/** The client in real Chromium, with all its transports, through every network of the hostile network suite. */

import { afterAll, describe, test, vi } from "vitest";
import type { HostileReport } from "../../src/testing/index.ts";
import { type HostileClientUnderTest, hostileCases, tableOf } from "./client/hostile-subject.ts";
import { type ClientPage, chromiumPart, openPage, pageScript, useChromium } from "./client/page-driver.ts";

vi.setConfig({ maxConcurrency: 6 }); // they mostly wait

const LIMIT_MS = 30_000;

describe.skipIf(chromiumPart.missing)("in real Chromium", () => {
  const chromium = useChromium();
  const reports: HostileReport[] = [];

  /** A page of the server's own origin which does not come through the network that is tried. */
  async function openOwnPage(url: string): Promise<ClientPage> {
    // Chromium does not know where an answer of the test came from, and asks before it lets such a page speak to loopback.
    const context = await chromium.browser.newContext({ permissions: ["local-network-access"] });
    const address = new URL("/", url).href;
    const answer = { contentType: "text/html", body: "<!doctype html><title>a page</title><body></body>" };
    const client = await openPage(context, address, (page) => page.route(address, (route) => route.fulfill(answer)));
    await client.page.unroute(address);
    await client.page.addScriptTag({ content: pageScript() });
    return client;
  }

  function makeClient(): HostileClientUnderTest {
    let openMs = 0;
    return {
      limitMs: LIMIT_MS,
      async connect(url, listener) {
        const begun = Date.now();
        const client = await openOwnPage(url);
        client.follow((told) => {
          if (told.kind === "event") listener.event(told.data as number);
          else if (told.kind === "gap") listener.gap(JSON.stringify(told));
          else if (told.kind === "state" && told.state === "closed") listener.failed(told.code);
        });
        openMs = Date.now() - begun;
        await client.call("connect", url, {});
        await client.call("subscribe", "chat");
        await client.reaches("open");
        return {
          get transport() {
            return client.of("state").at(-1)?.transport;
          },
          close: () => client.page.context().close(),
        };
      },
      // Without the time that it took to open the page.
      report: ({ firstEventMs, totalMs, ...rest }) =>
        void reports.push({ ...rest, firstEventMs: firstEventMs - openMs, totalMs: totalMs - openMs }),
    };
  }

  // biome-ignore lint/suspicious/noConsole: what was measured is for people to read
  afterAll(() => console.log(tableOf("The client in real Chromium", reports)));

  for (const { name, run } of hostileCases(makeClient)) test.concurrent(name, run, LIMIT_MS + 5000);
});
