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

  const logs = new Map<string, string[]>();
  function makeClient(): HostileClientUnderTest {
    let openMs = 0;
    return {
      limitMs: LIMIT_MS,
      async connect(url, listener) {
        const begun = Date.now();
        const client = await openOwnPage(url);
        const t0 = Date.now();
        const log: string[] = [];
        let n = 0;
        logs.set(url, log);
        client.page.on("request", (r) => log.push(`${Date.now() - t0} n=${n} ${r.method()} ${r.url().slice(25, 140)}`));
        client.page.on("requestfailed", (r) =>
          log.push(`${Date.now() - t0} n=${n} failed ${r.failure()?.errorText} ${r.url().slice(25, 100)}`),
        );
        client.page.on("requestfinished", (r) =>
          log.push(`${Date.now() - t0} n=${n} finished ${r.url().slice(25, 100)}`),
        );
        client.follow((told) => {
          if (told.kind === "event") n++;
          else log.push(`${Date.now() - t0} n=${n} ${JSON.stringify(told)}`);
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

  for (const { name, run } of hostileCases(makeClient))
    if (/400, and holds each answer|: 1,000/.test(name))
      test.concurrent(
        name,
        async () => {
          const before = new Set(logs.keys());
          try {
            await run();
          } catch (e) {
            console.log(
              "FAILED",
              name,
              e.message,
              "\n",
              [...logs]
                .filter(([k]) => !before.has(k))
                .map(([k, l]) => k + "\n" + l.join("\n"))
                .join("\n=====\n"),
            );
            throw e;
          }
        },
        LIMIT_MS + 5000,
      );
});
