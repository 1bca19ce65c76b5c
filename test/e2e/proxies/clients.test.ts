/**
 * Tailwire's client through real proxies, in Node and in Chromium, over each transport: nodes crash and shut down one
 * after the other, and it goes on at the one that is left, with nothing lost and nothing twice.
 */

import { describe, type ExpectStatic, it, vi } from "vitest";
import { WebSocket } from "ws";
import type { TransportName } from "../../../src/client/index.ts";
import { eventually } from "../../../src/testing/waiting.ts";
import { Inbox } from "../client/inbox.ts";
import { chromiumPart, openPage, useChromium } from "../client/page-driver.ts";
import type { AtEnd } from "../client/push-server.ts";
import { record } from "../client/recorder.ts";
import { queue } from "../queue.ts";
import { type Node, type Nodes, startNodes } from "./nodes.ts";
import { isMissing, type RealProxy, startProxy } from "./proxy.ts";

vi.setConfig({ maxConcurrency: 5 }); // they mostly wait

const IN_NODE: readonly TransportName[] = ["websocket", "sse", "stream", "long-poll", "poll"];
const IN_A_PAGE: readonly TransportName[] = [...IN_NODE, "xhr-stream", "jsonp", "iframe"];
const BATCH = 50;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(["nginx", "haproxy"] as const)("behind real %s", (name) => {
  /** Short heartbeats: a browser does not tell when a frame's page breaks off, only silence does. */
  async function start(atEnd: AtEnd): Promise<{ nodes: Nodes; proxy: RealProxy }> {
    const nodes = await startNodes({ hub: { heartbeatMs: 1000 }, atEnd });
    return { nodes, proxy: await startProxy(name, nodes.ports, { atEnd }) };
  }

  describe.skipIf(isMissing(name))("a client in Node", { timeout: 40_000 }, () => {
    it.concurrent.for(IN_NODE)(
      "goes on at the node that is left, over %s",
      async (transport, { expect, onTestFinished: atEnd }) => {
        const { nodes, proxy } = await start(atEnd);
        const options = { transports: [transport], WebSocket: WebSocket as unknown as typeof globalThis.WebSocket };
        const client = new Inbox();
        const { push, subscribe, publish } = record(`${proxy.url}/push`, options, (told) => client.add(told));
        atEnd(async () => push.close());
        subscribe("chat");
        await client.reaches("open");
        await goOn(nodes, proxy, client, (n) => publish("chat", n));
        assertWhole(expect, client);
      },
    );
  });

  describe.skipIf(isMissing(name) || chromiumPart.missing)("real Chromium, over HTTP/2", { timeout: 60_000 }, () => {
    const chromium = useChromium();

    async function newContext(atEnd: AtEnd) {
      const context = await chromium.browser.newContext({ ignoreHTTPSErrors: true });
      atEnd(() => context.close());
      return context;
    }

    it.concurrent.for(IN_A_PAGE)(
      "has a client that goes on at the node that is left, over %s",
      async (transport, { expect, onTestFinished: atEnd }) => {
        const { nodes, proxy } = await start(atEnd);
        const client = await openPage(await newContext(atEnd), proxy.secureUrl);
        const protocol = await client.page.evaluate(
          () => (performance.getEntriesByType("navigation")[0] as PerformanceResourceTiming).nextHopProtocol,
        );
        expect(protocol).toBe("h2");
        await client.call("connect", `${proxy.secureUrl}/push`, { transports: [transport] });
        await client.call("subscribe", "chat");
        await client.reaches("open");
        await goOn(nodes, proxy, client, (n) => client.call("publish", "chat", n));
        assertWhole(expect, client);
      },
    );

    it.concurrent("has an EventSource that goes on at the node that is left", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { nodes, proxy } = await start(atEnd);
      const page = await (await newContext(atEnd)).newPage();
      const told = queue<string>();
      await page.exposeFunction("told", (text: string) => told.push(text));
      await page.goto(proxy.secureUrl);
      await page.evaluate(() => {
        const { told } = globalThis as unknown as { told(text: string): void };
        const source = new EventSource("/push/channels/chat");
        source.addEventListener("$open", () => told("open"));
        source.onmessage = ({ data }) => told(data);
      });
      expect(await told.next()).toBe("open");
      await nodes.hub.publish("chat", "one");
      expect(await told.next()).toBe("one");
      await busier(nodes).crash();
      await nodes.hub.publish("chat", "two");
      expect([await told.next(), await told.next()]).toEqual(["open", "two"]);
    });
  });
});

/** The node that the client is at crashes or shuts down while events come, comes back, and then the other does. */
async function goOn(nodes: Nodes, proxy: RealProxy, client: Inbox, publish: (n: number) => Promise<unknown>) {
  let count = 0;
  const publishAll = async () => {
    for (const n of range(count + 1, count + BATCH)) await (n % 10 === 0 ? publish(n) : nodes.hub.publish("chat", n));
    count += BATCH;
  };
  await publishAll();
  await client.count(count);
  for (const end of ["crash", "shutDown"] as const) {
    const node = busier(nodes);
    const publishing = publishAll();
    await node[end]();
    await publishing;
    await client.count(count);
    await node.begin();
    await eventually("the proxy has found out that the node is back", () => isAsked(nodes, proxy, node));
    await publishAll();
    await client.count(count);
  }
}

/** Whether a node is given a request that comes now; the one that has no clients should be. */
async function isAsked({ requests }: Nodes, { url }: RealProxy, { port }: Node): Promise<boolean> {
  await (await fetch(`${url}/push/healthz`)).text();
  return requests.at(-1)?.socket.localPort === port;
}

function assertWhole(expect: ExpectStatic, client: Inbox): void {
  expect(client.data()).toEqual(range(1, 5 * BATCH));
  expect([...client.of("gap"), ...client.of("error")]).toEqual([]);
}

function busier({ a, b }: Nodes): Node {
  return a.subscriptions >= b.subscriptions ? a : b;
}
