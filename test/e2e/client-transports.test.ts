/** Each transport of the client alone, in real Chromium: receives, resumes, publishes, ends. */

import type { IncomingMessage } from "node:http";
import type { Page } from "playwright-core";
import { describe, expect, it, vi } from "vitest";
import type { TransportName } from "../../src/client/index.ts";
import { type ClientPage, chromiumPart, openPage, useChromium } from "./client/page-driver.ts";
import { type AtEnd, PushServer } from "./client/push-server.ts";

vi.setConfig({ maxConcurrency: 4 }); // they mostly wait

interface Case {
  readonly transport: TransportName;
  /** Those that need no CORS are used by a page of another origin. */
  readonly origin: "same" | "other";
  readonly publishesBy: "POST" | "its own means";
  readonly heartbeatMs?: number;
}

const CASES: readonly Case[] = [
  { transport: "websocket", origin: "other", publishesBy: "its own means" },
  { transport: "sse", origin: "same", publishesBy: "POST" },
  { transport: "stream", origin: "same", publishesBy: "POST" },
  { transport: "xhr-stream", origin: "same", publishesBy: "POST" },
  { transport: "long-poll", origin: "same", publishesBy: "POST" },
  // A browser does not tell when a page breaks off while it is loaded: only silence does.
  { transport: "iframe", origin: "other", publishesBy: "POST", heartbeatMs: 1000 },
  { transport: "jsonp", origin: "other", publishesBy: "its own means" },
  { transport: "poll", origin: "same", publishesBy: "POST" },
];

const AWKWARD: readonly unknown[] = [
  ...["text", "", "line\nbreaks\r\nand\rlone", "\u2028\u2029\u0000\u007f\ufeff"],
  ...["</script><script>alert(1)</script><!--", "🙂 ü \ud800 a lone surrogate", "data: x\n\nid: 1\n\n"],
  ...[
    { json: ["ü🙂", null, true, 1.5, { "": "</script>\u2028" }] },
    JSON.parse('{"__proto__":"own"}'),
    [],
    null,
    0,
    false,
  ],
];

/** Nested too deep for a browser to post it from one page to another. */
const DEEP = `${"[".repeat(4000)}${"]".repeat(4000)}`;
const JSON_TYPE = { "Content-Type": "application/json" };

/** More than a browser has connections to one server. */
const MORE = ["c1", "c2", "c3", "c4", "c5", "c6", "c7"];

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.skipIf(chromiumPart.missing)("in real Chromium", { timeout: 30_000 }, () => {
  const chromium = useChromium();

  describe.each(CASES)("$transport alone", ({ transport, origin, publishesBy, heartbeatMs = 15_000 }) => {
    /** A page with a client, and its server. */
    async function open(atEnd: AtEnd, where = origin): Promise<{ server: PushServer; client: ClientPage }> {
      const server = await PushServer.start({ heartbeatMs }, atEnd);
      const client = await openPage(await chromium.newContext(atEnd), server.url);
      const url = where === "same" ? server.url : server.otherUrl;
      await client.call("connect", `${url}/push`, { transports: [transport], freshTokens: true });
      return { server, client };
    }

    it.concurrent("receives what is published, from the past and from now on, whatever is in it", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { server, client } = await open(atEnd);
      for (const data of ["too old", ...AWKWARD]) await server.hub.publish("chat", data);
      await client.call("subscribe", "chat", `-${AWKWARD.length}`);
      await client.count(AWKWARD.length);
      await client.reaches("open");
      expect(client.of("state").at(-1)?.transport).toBe(transport);
      for (const data of AWKWARD) await server.hub.publish("chat", data, { type: "a type: ü", key: "k" });
      await server.hub.publish("chat", Uint8Array.from(range(0, 255)));
      // The hub could not publish it from here: Node's own JSON.stringify is at its end before.
      await fetch(`${server.url}/push/channels/chat`, { method: "POST", headers: JSON_TYPE, body: DEEP });
      await client.count(2 * AWKWARD.length + 2);
      expect(depthOf(client.data().pop())).toBe(DEEP.length / 2);
      expect(client.data().slice(0, -1)).toEqual([...AWKWARD, ...AWKWARD, { bytes: range(0, 255) }]);
      expect(client.events().map(({ id }) => Number(id.split(":")[1]))).toEqual(range(2, 2 * AWKWARD.length + 3));
      expect(client.events()[AWKWARD.length]).toMatchObject({ type: "a type: ü", key: "k" });
      expect(client.of("error")).toEqual([]);
    });

    it.concurrent("has two channels over one connection, and takes more of them on, and off", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { server, client } = await open(atEnd);
      await server.hub.publish("news", "old news");
      await client.call("subscribe", "chat");
      await client.call("subscribe", "news", "earliest");
      await client.reaches("open");
      await server.hub.publish("chat", "chat 1");
      await server.hub.publish("news", "news 1");
      await client.count(1, "chat");
      await client.count(2, "news");
      for (const channel of MORE) {
        for (const data of range(1, 5)) await server.hub.publish(channel, data);
        await client.call("subscribe", channel, "-3");
        await client.count(3, channel);
      }
      await server.hub.publish("chat", "chat 2");
      await client.call("unsubscribe", "news");
      await server.hub.publish("news", "to nobody");
      for (const channel of MORE) await server.hub.publish(channel, 6);
      for (const channel of MORE) await client.count(4, channel);
      await client.count(2, "chat");
      expect(client.data("chat")).toEqual(["chat 1", "chat 2"]);
      expect(client.data("news")).toEqual(["old news", "news 1"]);
      for (const channel of MORE) expect(client.data(channel)).toEqual(range(3, 6));
      expect(client.of("error")).toEqual([]);
    });

    it.concurrent("is cut again and again, and misses nothing", async ({ expect, onTestFinished: atEnd }) => {
      const { server, client } = await open(atEnd);
      await client.call("subscribe", "chat");
      let count = 0;
      for (const batch of [10, 900]) {
        await client.reaches("open");
        await server.hub.publish("chat", ++count);
        await client.count(count);
        server.cut();
        for (let each = 0; each < batch; each++) await server.hub.publish("chat", ++count);
        server.release();
        await client.count(count);
      }
      expect(client.data()).toEqual(range(1, count));
      expect(client.of("gap")).toEqual([]);
      // A browser sends a poll again by itself, where the connection that it was sent over was an old one.
      const tokens = [...new Set(server.requests.map((request) => tokenOf(request)))];
      expect(tokens).toEqual(tokens.map((_, index) => `token ${index + 1}`));
    });

    it.concurrent("publishes, and is told the id", async ({ expect, onTestFinished: atEnd }) => {
      const { server, client } = await open(atEnd, publishesBy === "POST" ? "same" : "other");
      await client.call("subscribe", "chat");
      await client.reaches("open");
      const sent = ["text ü🙂 \u2028</script>&=+%", { a: [1, null] }, { bytes: range(0, 255) }, 12];
      const ids: string[] = [];
      for (const data of sent) {
        const { id, channel } = await client.call("publish", "chat", data, { type: "said", key: "k" });
        expect(channel).toBe("chat");
        ids.push(id);
      }
      await client.count(sent.length);
      expect(client.events()).toEqual(
        sent.map((data, index) => ({ kind: "event", channel: "chat", id: ids[index], type: "said", key: "k", data })),
      );
      const posts = server.requests.filter(({ method }) => method === "POST");
      expect(posts).toHaveLength(publishesBy === "POST" ? sent.length : 0);
    });

    it.concurrent("tells of a server that has lost its log, and goes on with the new one", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { server, client } = await open(atEnd);
      await client.call("subscribe", "chat");
      await client.reaches("open");
      const { id } = await server.hub.publish("chat", "before");
      await client.count(1);
      await server.restart();
      await server.hub.publish("chat", "after");
      await client.count(2);
      expect(client.data()).toEqual(["before", "after"]);
      expect(client.of("gap")).toMatchObject([{ channel: "chat", after: id, reason: "epoch" }]);
    });

    it.concurrent("leaves no connection behind when it is closed", async ({ onTestFinished: atEnd }) => {
      const { server, client } = await open(atEnd);
      await client.call("subscribe", "chat");
      await client.reaches("open");
      await client.call("close");
      await server.whenSubscriptions(0);
      await client.reaches("closed");
    });
  });

  it("refuses at once to publish over jsonp what no URL takes", async () => {
    const server = await PushServer.start();
    const client = await openPage(await chromium.newContext(), server.url);
    await client.call("connect", `${server.otherUrl}/push`, { transports: ["jsonp"] });
    await client.call("subscribe", "chat");
    await client.reaches("open");
    await expect(client.call("publish", "chat", "ü".repeat(2048))).rejects.toThrow(/at most 4096 bytes/);
    await client.call("publish", "chat", "ü".repeat(2047));
    await client.count(1);
    expect(client.data()).toEqual(["ü".repeat(2047)]);
  });

  describe("a transport that keeps all that it was given", () => {
    const DATA = "0123456789abcdef".repeat(256);
    const ROUNDS = 9; // of 300 events of 4 KiB each, more than 10 MiB in all

    it.each([
      ["xhr-stream", "same"],
      ["iframe", "other"],
    ] as const)("is begun anew before that is much: %s has 10 MiB of events, each once", async (transport, origin) => {
      const server = await PushServer.start();
      const client = await openPage(await chromium.newContext(), server.url, watchTexts);
      const url = origin === "same" ? server.url : server.otherUrl;
      await client.call("connect", `${url}/push`, { transports: [transport] });
      await client.call("subscribe", "chat");
      await client.reaches("open");
      for (const round of range(1, ROUNDS)) {
        const anew = server.nextRequest();
        for (const n of range(300 * round - 299, 300 * round)) {
          await server.hub.publish("chat", `${n} ${DATA}`);
          if (n % 100 === 0) await client.count(n); // the log keeps no more than 1 MiB
        }
        await anew;
        await server.whenSubscriptions(1);
        await client.reaches("open");
      }
      expect(client.data().map((data) => Number.parseInt(data as string, 10))).toEqual(range(1, 300 * ROUNDS));
      expect([...client.of("gap"), ...client.of("error")]).toEqual([]);
      expect(await longestText(client)).toBeLessThan(2 * 1024 * 1024);
    });
  });
});

/** Notes how long the longest text was that an XMLHttpRequest of a page had. */
function watchTexts(page: Page): Promise<unknown> {
  return page.addInitScript(() => {
    const open = XMLHttpRequest.prototype.open as (...args: unknown[]) => void;
    const noted = globalThis as unknown as { longestText: number };
    noted.longestText = 0;
    XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...args: unknown[]) {
      this.addEventListener("progress", () => {
        noted.longestText = Math.max(noted.longestText, this.responseText.length);
      });
      open.apply(this, args);
    };
  });
}

const longestText = ({ page }: ClientPage) =>
  page.evaluate(() => (globalThis as unknown as { longestText: number }).longestText);

/** A page can set no headers of WebSockets, frames and scripts. */
function tokenOf({ headers, url = "" }: IncomingMessage): string | undefined {
  const inUrl = new URL(url, "http://server").searchParams.get("token");
  return inUrl ?? headers.authorization?.replace("Bearer ", "");
}

function depthOf(value: unknown): number {
  let depth = 0;
  for (let inner = value; Array.isArray(inner); inner = inner[0]) depth += 1;
  return depth;
}
