/** What real Chromium tells of its page and its network, after which the client looks at once whether it is connected. */

import type { BrowserContext } from "playwright-core";
import { describe, expect, it } from "vitest";
import { faultyServer } from "./client/faulty-server.ts";
import { type ClientPage, chromiumPart, freeze, openPage, useTabs } from "./client/page-driver.ts";
import { PushServer } from "./client/push-server.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const HOUR_MS = 3_600_000;
const TIME = 1_790_000_000_000;

describe.skipIf(chromiumPart.missing)("in real Chromium", { timeout: 30_000 }, () => {
  const chromium = useTabs();

  it.each(["websocket", "sse"] as const)(
    "a page that slept, and was cut meanwhile, has all when it wakes (%s)",
    async (transport) => {
      const server = await PushServer.start();
      const client = await openPage(await chromium.newContext(), server.url);
      await client.call("connect", `${server.url}/push`, { transports: [transport] });
      await client.call("subscribe", "chat");
      await client.reaches("open");
      await server.hub.publish("chat", 1);
      await client.count(1);
      const thaw = await freeze(client);
      server.cut();
      await server.whenSubscriptions(0);
      for (const data of range(2, 500)) await server.hub.publish("chat", data);
      server.release();
      await thaw();
      await client.count(500);
      await client.reaches("open");
      expect(client.data()).toEqual(range(1, 500));
      expect(server.subscriptions).toBe(1);
    },
  );

  it("a network that is another is tried at once, beside the connection that may still be good", async () => {
    const server = await PushServer.start();
    const context = await chromium.newContext();
    const client = await openPage(context, server.url);
    await client.call("connect", `${server.url}/push`, { transports: ["stream"] });
    await client.call("subscribe", "chat");
    await client.reaches("open");
    await server.hub.publish("chat", 1);
    await client.count(1);
    const another = server.nextRequest();
    await context.setOffline(true);
    await server.hub.publish("chat", 2);
    await context.setOffline(false);
    expect((await another).url).toMatch(/[?&]from=\w+%3A[12]&/);
    await server.hub.publish("chat", 3);
    await client.count(3);
    await server.whenSubscriptions(1);
    expect(client.data()).toEqual([1, 2, 3]);
  });

  describe("a client that was told to wait for an hour", () => {
    /** Its server answers the second time it comes. */
    async function waiting(): Promise<{ client: ClientPage; context: BrowserContext }> {
      const says = [
        { type: "$open", cursor: "a:0", heartbeatMs: 15_000, transport: "websocket", time: TIME },
        { type: "$heartbeat", time: TIME },
        { type: "$close", code: 1013, reason: "too many", reconnectMs: HOUR_MS },
      ];
      let count = 0;
      const faulty = await faultyServer({
        webSocket: () =>
          count++ > 0 ? undefined : (socket) => socket.send(says.map((each) => JSON.stringify(each)).join("\n")),
      });
      const pages = await PushServer.start();
      const context = await chromium.newContext();
      const client = await openPage(context, pages.url);
      await client.call("connect", faulty.url, { transports: ["websocket"] });
      await client.call("subscribe", "chat");
      await client.reaches("waiting");
      return { client, context };
    }

    it("comes back when the network does", async () => {
      const { client, context } = await waiting();
      await context.setOffline(true);
      await context.setOffline(false);
      await client.reaches("open");
    });

    it.each(["was hidden", "was frozen"])("comes back when its page, which %s, is looked at", async (how) => {
      const { client, context } = await waiting();
      const other = await context.newPage();
      await other.bringToFront();
      if (how === "was frozen") await freeze(client);
      expect(await client.page.evaluate(() => document.visibilityState)).toBe("hidden");
      expect(client.state).toBe("waiting");
      await client.page.bringToFront();
      await client.reaches("open");
    });
  });
});
