/** Tabs of real Chromium that share one connection, and what becomes of it when they come and go, freeze and crash. */

import { setTimeout } from "node:timers/promises";
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/testing/random.ts";
import { type ClientPage, chromiumPart, freeze, openPage, useTabs } from "./client/page-driver.ts";
import { PushServer } from "./client/push-server.ts";

const SEEDS = [1, 2, 3];

/** Between one event of a stream and the next. */
const PACE_MS = 2;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function crash({ page }: ClientPage): Promise<void> {
  const crashed = page.waitForEvent("crash");
  void page.goto("chrome://crash").catch(() => {});
  await crashed;
}

describe.skipIf(chromiumPart.missing)("tabs of real Chromium", { timeout: 60_000 }, () => {
  const chromium = useTabs();

  interface Tabs {
    readonly server: PushServer;
    readonly context: BrowserContext;
    /** Opens one more, subscribed, and waits until it is connected. */
    open(from?: string): Promise<ClientPage>;
    /** Publishes the numbers that follow those so far, and gives the last of them. */
    publish(count: number): Promise<number>;
    /** Publishes one number after the other, until what it returns is called. */
    streaming(): () => Promise<void>;
  }

  /** A server, and a browser whose tabs share their connection to it. */
  async function start(): Promise<Tabs> {
    const server = await PushServer.start();
    const context = await chromium.newContext();
    let last = 0;
    const publish = async (count: number) => {
      for (const n of range(last + 1, last + count)) await server.hub.publish("chat", n);
      last += count;
      return last;
    };
    return {
      server,
      context,
      async open(from = "now") {
        const tab = await openPage(context, server.url);
        await join(tab, server, from);
        return tab;
      },
      publish,
      streaming() {
        let streams = true;
        const stream = async () => {
          while (streams) {
            await publish(1);
            await setTimeout(PACE_MS);
          }
        };
        const streamed = stream();
        return () => {
          streams = false;
          return streamed;
        };
      },
    };
  }

  async function join(tab: ClientPage, server: PushServer, from = "now"): Promise<void> {
    await tab.call("connect", `${server.url}/push`, { shareTabs: true });
    await tab.call("subscribe", "chat", from);
    await tab.reaches("open");
  }

  /** Settles once each has had all of these, once and in order. */
  async function allHave(tabs: readonly ClientPage[], from: number, to: number): Promise<void> {
    for (const tab of tabs) await tab.until(`event ${to}`, () => tab.data("chat").at(-1) === to);
    for (const tab of tabs) expect(tab.data("chat")).toEqual(range(from, to));
    for (const tab of tabs) expect([...tab.of("gap"), ...tab.of("error")]).toEqual([]);
  }

  it("have one connection for all, and each has every event once", async () => {
    const { server, open, publish } = await start();
    const tabs = [await open(), await open(), await open()];
    await server.whenSubscriptions(1);
    await publish(300);
    await allHave(tabs, 1, 300);
    expect(server.subscriptions).toBe(1);
    expect(tabs.map((tab) => tab.of("state").at(-1)?.transport)).toEqual(Array(3).fill("websocket"));
  });

  it.each([
    ["closed", (tab: ClientPage) => tab.page.close()],
    ["navigated away", (tab: ClientPage) => tab.page.goto("about:blank")],
    ["that crashed", crash],
  ])("have another leader in place of one %s, and miss nothing", async (_how, end) => {
    const { server, open, publish } = await start();
    const [leader, ...others] = [await open(), await open(), await open()];
    await publish(10);
    await allHave([leader, ...others], 1, 10);
    const publishing = publish(200);
    await end(leader);
    await publishing;
    await allHave(others, 1, 210);
    await server.whenSubscriptions(1);
    await publish(1);
    await allHave(others, 1, 211);
  });

  it("have another leader in place of one that is frozen, which follows and has everything when it thaws", async () => {
    const { server, open, publish } = await start();
    const [leader, ...others] = [await open(), await open(), await open()];
    await publish(10);
    await allHave([leader, ...others], 1, 10);
    const thaw = await freeze(leader);
    await publish(100);
    await allHave(others, 1, 110);
    await thaw();
    await publish(100);
    await allHave([leader, ...others], 1, 210);
    await server.whenSubscriptions(1);
  });

  it("take the lead from one that hangs, which follows when it hangs no more", async () => {
    const { server, open, publish } = await start();
    const [leader, ...others] = [await open(), await open(), await open()];
    const tools = await leader.devTools();
    await tools.send("Debugger.enable");
    const paused = new Promise((resolve) => tools.once("Debugger.paused", resolve));
    await tools.send("Debugger.pause");
    await publish(10); // what comes first is where it stops
    await paused;
    await allHave(others, 1, 10);
    await publish(10);
    await tools.send("Debugger.resume");
    await allHave([leader, ...others], 1, 20);
    await server.whenSubscriptions(1);
  });

  it("have everything when a follower was frozen", async () => {
    const { server, open, publish } = await start();
    const tabs = [await open(), await open()];
    const thaw = await freeze(tabs[1] as ClientPage);
    await publish(100);
    await thaw();
    await publish(1);
    await allHave(tabs, 1, 101);
    await server.whenSubscriptions(1);
  });

  it("miss nothing when the leader is reloaded", async () => {
    const { server, open, publish } = await start();
    const [leader, follower] = [await open(), await open()];
    await publish(10);
    const publishing = publish(100);
    await leader.page.reload();
    await publishing;
    await allHave([follower], 1, 110);
    leader.all.length = 0;
    await join(leader, server);
    await publish(10);
    await allHave([follower], 1, 120);
    await allHave([leader], 111, 120);
    await server.whenSubscriptions(1);
  });

  it("begin each where it asked to", async () => {
    const { server, open, publish } = await start();
    await publish(20);
    const first = await open("-5");
    const cursor = await server.hub.cursor("chat");
    await publish(10);
    const rest = [await open("earliest"), await open("now"), await open("-3"), await open(cursor)];
    await publish(10);
    await allHave([first], 16, 40);
    for (const [index, from] of [1, 31, 28, 21].entries()) await allHave([rest[index] as ClientPage], from, 40);
    await server.whenSubscriptions(1);
  });

  it("have channels of their own over the one connection", async () => {
    const { server, open, publish } = await start();
    const tabs = [await open(), await open(), await open()] as const;
    const [, follower, other] = tabs;
    await server.hub.publish("news", "old");
    await follower.call("subscribe", "news", "-1");
    await follower.count(1, "news");
    await server.whenSubscriptions(1);
    await server.hub.publish("news", "new");
    await follower.count(2, "news");
    await follower.call("unsubscribe", "chat");
    await publish(10);
    await server.hub.publish("news", "last");
    await follower.count(3, "news");
    await allHave([tabs[0], other], 1, 10);
    expect(follower.data()).toEqual(["old", "new", "last"]);
    expect(other.data("news")).toEqual([]);
    for (const tab of tabs) await tab.call("close");
    await server.whenSubscriptions(0);
  });

  it("publish, whoever leads", async () => {
    const { server, open } = await start();
    const tabs = [await open(), await open()];
    for (const [index, tab] of tabs.entries()) {
      const { id } = await tab.call("publish", "chat", index + 1);
      expect(id).toBe(await server.hub.cursor("chat"));
    }
    await allHave(tabs, 1, 2);
  });

  it("tell each other why there is no connection any more", async () => {
    const { server, open } = await start();
    const tabs = [await open(), await open()];
    await server.stop();
    for (const tab of tabs) await tab.until("it is not open", () => tab.state !== "open");
    await server.begin();
    await server.hub.publish("chat", 1);
    for (const tab of tabs) await tab.count(1);
    for (const tab of tabs) expect(tab.of("error")).toEqual([]);
  });

  it.each(["locks", "BroadcastChannel"])("connect each by itself where there is no %s", async (missing) => {
    const server = await PushServer.start();
    const context = await chromium.newContext();
    const withoutIt = (page: Page) =>
      page.addInitScript((name) => {
        Object.defineProperty(name === "locks" ? navigator : globalThis, name, { value: undefined });
      }, missing);
    const tabs = [await openPage(context, server.url, withoutIt), await openPage(context, server.url, withoutIt)];
    for (const tab of tabs) await join(tab, server);
    await server.whenSubscriptions(2);
    await server.hub.publish("chat", 1);
    await allHave(tabs, 1, 1);
  });

  describe.each(SEEDS)("whatever comes and goes under a stream of events (seed %d)", (seed) => {
    it("those that are left have each event once, in order", async () => {
      const random = seededRandom(seed);
      const { server, open, publish, streaming } = await start();
      let tabs: readonly ClientPage[] = [await open(), await open(), await open()];
      const stop = streaming();
      for (let round = 0; round < 5; round += 1) {
        // The first has been there longest, and leads more often than not.
        const victim = tabs[random() < 0.5 ? 0 : Math.floor(random() * tabs.length)] as ClientPage;
        const what = random();
        if (what < 0.4) {
          tabs = tabs.filter((tab) => tab !== victim);
          await victim.page.close();
        } else if (what < 0.8) {
          const thaw = await freeze(victim);
          await tabs.find((tab) => tab !== victim)?.more(random() * 30);
          await thaw();
        } else {
          await victim.page.reload();
          victim.all.length = 0;
          await join(victim, server);
        }
        tabs = [...tabs, await open()];
        await tabs[0]?.more(random() * 30);
      }
      await stop();
      const last = await publish(1);
      for (const tab of tabs) await allHave([tab], tab.data()[0] as number, last);
      await server.whenSubscriptions(1);
    });
  });
});
