/** Real clients with compression on: browsers, curl, Node's fetch, the npm packages `ws` and `eventsource`, our own. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text as textOf } from "node:stream/consumers";
import { EventSource } from "eventsource";
import { chromium } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { TransportName } from "../../src/client/index.ts";
import { nodeClient } from "./client/node-client.ts";
import { COMPRESSED_PAGE, READERS, type Told } from "./compressed-page.ts";
import { cuttingProxy } from "./cutting-proxy.ts";
import { openInFirefox } from "./firefox.ts";
import { type Queue, queue } from "./queue.ts";
import { realPart } from "./real-parts.ts";
import { type Served, serve } from "./serve.ts";

const parts = { chromium: realPart("chromium"), firefox: realPart("firefox"), curl: realPart("curl") };
const LONG = "ü🙂 a text that is worth the work. ".repeat(50);
const BURST = Array.from({ length: 300 }, (_, n) => `number ${n} of a burst`);
const handler = { compression: true };

const compressed = () => serve({ path: "/push", handler });

/** A server with the page, and what the page tells. */
async function withPage(): Promise<Served & { readonly told: Queue<Told> }> {
  const told = queue<Told>();
  const served = await serve({
    path: "/push",
    handler,
    before: (server) =>
      server.on("request", async (req, res) => {
        if (req.method === "POST") for (const each of JSON.parse(await textOf(req)) as Told[]) told.push(each);
        res.end(req.url === "/" ? COMPRESSED_PAGE : "");
      }),
  });
  return { ...served, told };
}

/** How each browser is shown a URL. */
const BROWSERS: readonly (readonly ["chromium" | "firefox", (url: string) => Promise<void> | void])[] = [
  [
    "chromium",
    async (url) => {
      const browser = await chromium.launch({
        executablePath: parts.chromium.path,
        args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
      });
      onTestFinished(() => browser.close());
      await (await browser.newPage()).goto(url);
    },
  ],
  ["firefox", (url) => openInFirefox(parts.firefox.path, url)],
];

for (const [name, show] of BROWSERS) {
  describe.skipIf(parts[name].missing)(`real ${name}`, { timeout: 60_000 }, () => {
    it("reads all that is compressed at once, whole and in order, to a good end, and is read", async () => {
      const { hub, url, told } = await withPage();
      await hub.publish("news", `before ${LONG}`);
      await show(url);
      const read = new Map<string, string[]>(READERS.map((reader) => [reader, []]));
      const opened = new Map<string, string>();
      /** Until each transport has so many events, or has ended. */
      const until = async (count: number) => {
        while ([...read.values()].some((events) => events.length < count)) {
          const [reader, what, value] = await told.next();
          if (what === "open") opened.set(reader, value);
          else read.get(reader)?.push(what === "end" ? `end ${value}` : value);
        }
      };
      await until(1);
      expect(Object.fromEntries(opened)).toEqual({
        sse: "",
        stream: "gzip",
        messages: expect.stringContaining("permessage-deflate"),
        raw: expect.stringContaining("permessage-deflate"),
      });
      await hub.publish("news", "short");
      await until(2);
      await hub.publish("news", LONG);
      await until(3);
      await Promise.all(BURST.map((each) => hub.publish("news", each)));
      await hub.publish("news", "say something");
      await until(BURST.length + 5);
      await hub.close();
      await until(BURST.length + 6);
      const all = [`before ${LONG}`, "short", LONG, ...BURST, "say something", "something ".repeat(500), "end "];
      for (const events of read.values()) expect(events).toEqual(all);
    });
  });
}

describe.skipIf(parts.curl.missing)("curl --compressed", () => {
  const accepts = { sse: "text/event-stream", stream: "application/x-ndjson" };

  it.each(Object.entries(accepts))(
    "reads %s as it comes, to an end that it takes for a good one",
    async (_, accept) => {
      const { hub, url } = await compressed();
      const curl = spawn(parts.curl.path, [
        "-sSN",
        "--compressed",
        "-H",
        `Accept: ${accept}`,
        `${url}/push/channels/news`,
      ]);
      onTestFinished(() => void curl.kill());
      const ended = once(curl, "close");
      let text = "";
      const chunks = curl.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
      const until = async (part: string) => {
        while (!text.includes(part)) {
          const { value, done } = await chunks.next();
          if (done) throw new Error(`curl ended before ${part}, with ${text}`);
          text += value;
        }
      };
      await until("$open");
      for (const data of ["short", LONG, "short again"]) {
        await hub.publish("news", data);
        await until(data);
      }
      await hub.close();
      await until("$close");
      expect(await ended).toEqual([0, null]);
    },
  );

  it("takes a body that is cut off for one", async () => {
    const { hub, port, store } = await compressed();
    const proxy = await cuttingProxy(port);
    const curl = spawn(parts.curl.path, ["-sSN", "--compressed", `${proxy.url}/push/channels/news`], {
      stdio: "ignore",
    });
    const ended = once(curl, "close");
    await store.whenFollowed(1);
    await hub.publish("news", LONG);
    proxy.cut();
    expect((await ended)[0]).not.toBe(0);
  });
});

describe("in Node", () => {
  it("fetch reads each flush at once, and a whole gzip", async () => {
    const { hub, url } = await compressed();
    const answer = await fetch(`${url}/push/channels/news`);
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain("$open");
    for (const data of ["short", LONG]) {
      await hub.publish("news", data);
      expect((await reader?.read())?.value).toContain(data);
    }
    await hub.close();
    expect((await reader?.read())?.value).toContain("$close");
    expect((await reader?.read())?.done).toBe(true);
  });

  it("the npm package eventsource reads it", async () => {
    const { hub, url } = await compressed();
    const source = new EventSource(`${url}/push/channels/news`);
    onTestFinished(() => source.close());
    const seen = queue<string>();
    source.addEventListener("$open", () => seen.push("$open"));
    source.onmessage = ({ data }) => seen.push(data);
    expect(await seen.next()).toBe("$open");
    for (const data of ["short", LONG]) {
      await hub.publish("news", data);
      expect(await seen.next()).toBe(data);
    }
  });

  it.each([true, { serverMaxWindowBits: 10, clientMaxWindowBits: 10 }])(
    "the npm package ws agrees with %j, reads and is read",
    async (perMessageDeflate) => {
      const { hub, port } = await compressed();
      const socket = new WebSocket(`ws://127.0.0.1:${port}/push/channels/news`, { perMessageDeflate });
      const seen = queue<string>();
      socket.on("message", (data) => seen.push(String(data)));
      await once(socket, "open");
      expect(socket.extensions).toBe("permessage-deflate");
      for (const data of ["short", LONG]) {
        await hub.publish("news", data);
        expect(await seen.next()).toBe(data);
      }
      socket.send(LONG.repeat(20));
      expect(await seen.next()).toBe(LONG.repeat(20));
      const closed = once(socket, "close");
      await hub.close();
      expect((await closed)[0]).toBe(1001);
    },
  );

  it.each<TransportName>(["websocket", "sse", "stream"])(
    "our own client over %s is cut, and misses nothing",
    async (transport) => {
      const { hub, port } = await compressed();
      const proxy = await cuttingProxy(port);
      const client = nodeClient(`${proxy.url}/push`, {
        transports: [transport],
        WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      });
      client.subscribe("news");
      await client.reaches("open");
      await hub.publish("news", LONG);
      await client.count(1);
      proxy.cut();
      for (const data of BURST) await hub.publish("news", data);
      proxy.release();
      await client.count(1 + BURST.length);
      expect(client.data("news")).toEqual([LONG, ...BURST]);
      expect([...client.of("gap"), ...client.of("error")]).toEqual([]);
    },
  );
});
