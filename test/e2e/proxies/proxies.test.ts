/** Real nginx and real HAProxy, as the examples configure them: each transport, and publishing, goes through whole. */

import { once } from "node:events";
import { connect } from "node:http2";
import type { Socket } from "node:net";
import { createGunzip } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { type Queue, queue } from "../queue.ts";
import { begin, type Exchange, get, post, VERSIONS } from "./exchange.ts";
import { type Nodes, type NodesOptions, startNodes } from "./nodes.ts";
import { exampleConfig, isMissing, type ProxyName, type RealProxy, startProxy } from "./proxy.ts";

const NDJSON = { "Content-Type": "application/x-ndjson" };
const CHAT = "/push/channels/chat";
/** The endless transports over HTTP, as requests, with what stands in them where an event has the text X. */
const ENDLESS = [
  ["sse", "transport=sse", "data: X\n"],
  ["stream", "transport=stream", '"data":"X"}\n'],
  ["iframe", "transport=iframe&origin=https://app.example", '"data":"X"});\n</script>'],
] as const;
const FRAMES = { allowOrigins: ["https://app.example"] };

async function behind(name: ProxyName, options: NodesOptions = {}, change?: (config: string) => string) {
  const nodes = await startNodes({ ...options, handler: { ...FRAMES, ...options.handler } });
  const proxy = await startProxy(name, nodes.ports, change === undefined ? {} : { change });
  return { nodes, proxy };
}

/** A WebSocket through the proxy that is open, and its frames as text. */
async function websocket(url: string, protocols: string[], options = {}): Promise<[WebSocket, Queue<string>]> {
  const ws = new WebSocket(url.replace(/^http/, "ws"), protocols, { rejectUnauthorized: false, ...options });
  onTestFinished(() => ws.terminate());
  const frames = queue<string>();
  ws.on("message", (data, isBinary) => frames.push(isBinary ? `binary ${data.toString("hex")}` : data.toString()));
  await once(ws, "open");
  return [ws, frames];
}

const dataOf = (frame: string) => (JSON.parse(frame) as { data: unknown }).data;

describe.each(["nginx", "haproxy"] as const)("real %s", (name) => {
  describe.skipIf(isMissing(name))("as in examples/", () => {
    for (const version of VERSIONS) {
      it.each(ENDLESS)(`holds nothing of a %s back, over ${version}`, async (transport, query, shape) => {
        const { nodes, proxy } = await behind(name);
        const answer = get(proxy, version, `${CHAT}?${query}`);
        const { status, headers } = await answer.answered;
        expect([status, headers["cache-control"]]).toEqual([200, "no-store, no-transform"]);
        await answer.until(`"transport":"${transport}"`);
        for (const text of ["one", "two", "three"]) {
          await nodes.hub.publish("chat", text);
          await answer.until(shape.replace("X", text));
        }
        expect(answer.ended).toBe(false);
      });

      it(`gives a long poll its event, and a poll nothing new, over ${version}`, async () => {
        const { nodes, proxy } = await behind(name);
        const waiting = get(proxy, version, `${CHAT}?wait=50`);
        await nodes.whenSubscriptions(1);
        const { id } = await nodes.hub.publish("chat", "hello");
        expect(JSON.parse(await waiting.whole())).toMatchObject({ cursor: id, events: [{ id, data: "hello" }] });
        const again = get(proxy, version, `${CHAT}?wait=0`, { "If-None-Match": `"${id}"` });
        expect((await again.answered).status).toBe(304);
        const script = get(proxy, version, `${CHAT}?callback=app.take&from=earliest`);
        expect(await script.whole()).toContain('/**/app.take({"cursor"');
      });

      it(`frees a long poll whose client goes away, over ${version}`, async () => {
        const { nodes, proxy } = await behind(name);
        const waiting = get(proxy, version, `${CHAT}?wait=50`);
        await nodes.whenSubscriptions(1);
        waiting.abandon();
        await nodes.whenSubscriptions(0);
      });

      it(`passes each line of a body on as it comes, over ${version}`, async () => {
        const { nodes, proxy } = await behind(name);
        const reader = get(proxy, "HTTP/1.1", `${CHAT}?transport=stream`);
        await nodes.whenSubscriptions(1);
        const writer = begin(proxy, version, CHAT, { method: "POST", headers: NDJSON });
        for (const n of [1, 2, 3]) {
          writer.write(`"line ${n}"\n`);
          await reader.until(`"data":"line ${n}"`);
        }
        writer.end().read();
        expect(JSON.parse(await writer.whole())).toMatchObject({ count: 3 });
      });

      it(`takes large events and long bodies, over ${version}`, async () => {
        const { proxy } = await behind(name);
        const readers = ENDLESS.map(([, query]) => get(proxy, version, `${CHAT}?${query}`));
        for (const reader of readers) await reader.until("$open");
        const large = `begin ${"x".repeat(1024 * 1024 - 10)} end`;
        expect((await post(proxy, version, CHAT, large.slice(6))).status).toBe(201);
        for (const reader of readers) await reader.until("x end");
        const lines = Array.from({ length: 40 }, (_, n) => JSON.stringify(`${n} ${large.slice(0, 100_000)}`));
        const { status, text } = await post(proxy, version, CHAT, lines.join("\n"), NDJSON);
        expect([status, JSON.parse(text)]).toMatchObject([201, { count: 40 }]);
        expect(await get(proxy, version, `${CHAT}?wait=0&from=-3`).whole()).toContain('"data":"39 begin xxx');
        expect((await post(proxy, version, CHAT, `${large}${large}`)).status).toBe(413);
      });

      it(`tells the node who asks, and for what host, over ${version}`, async () => {
        const { nodes, proxy } = await behind(name);
        await get(proxy, version, `${CHAT}?wait=0`, { "X-Forwarded-For": "192.0.2.1" }).whole();
        const secure = version === "HTTP/2";
        expect(nodes.requests.at(-1)?.headers).toMatchObject({
          host: new URL(secure ? proxy.secureUrl : proxy.url).host,
          "x-forwarded-for": expect.stringMatching(/^192\.0\.2\.1, (127\.0\.0\.1|::1)$/),
          "x-forwarded-proto": secure ? "https" : "http",
          "x-real-ip": "127.0.0.1",
        });
      });
    }

    it.each([
      ["ws", "url"],
      ["wss", "secureUrl"],
    ] as const)("carries a %s WebSocket both ways, raw and with tailwire.v1", async (_, scheme) => {
      const { nodes, proxy } = await behind(name);
      const url = `${proxy[scheme]}${CHAT}`;
      const [raw, rawFrames] = await websocket(url, []);
      const [messages, messageFrames] = await websocket(url, ["tailwire.v1"]);
      expect([raw.protocol, messages.protocol]).toEqual(["", "tailwire.v1"]);
      expect(await messageFrames.next()).toContain('"type":"$open"');
      await nodes.hub.publish("chat", "from the test");
      expect([await rawFrames.next(), dataOf(await messageFrames.next())]).toEqual(["from the test", "from the test"]);
      raw.send(Buffer.from([0, 255]));
      expect([await rawFrames.next(), dataOf(await messageFrames.next())]).toEqual(["binary 00ff", "AP8="]);
      messages.send('{"op":"publish","channel":"chat","data":"from the socket"}');
      expect(await rawFrames.next()).toBe("from the socket");
    });

    it("says 400 to a WebSocket that the node refuses, and takes h2c for what it is without", async () => {
      const { proxy } = await behind(name);
      await expect(websocket(`${proxy.url}${CHAT}`, ["other"])).rejects.toThrow(/400/);
      const h2c = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" };
      const answer = get(proxy, "HTTP/1.1", `${CHAT}?wait=0`, h2c);
      expect((await answer.answered).status).toBe(200);
    });

    it("compresses nothing twice, and leaves what the node has compressed as it is", async () => {
      const { nodes, proxy } = await behind(name, { handler: { compression: true } });
      for (const version of VERSIONS) {
        const answer = get(proxy, version, `${CHAT}?transport=sse`, { "Accept-Encoding": "gzip, br" }, "not read");
        const { headers, stream } = await answer.answered;
        expect(headers["content-encoding"]).toBe("gzip");
        const pieces = queue<string>();
        const text = stream.pipe(createGunzip());
        text.on("data", (piece: Buffer) => pieces.push(piece.toString()));
        text.on("error", () => {}); // it is cut off below
        expect(await pieces.next()).toContain("event: $open");
        const data = `a text that is worth it ${"again and ".repeat(100)}`;
        await nodes.hub.publish("chat", data);
        expect(await pieces.next()).toContain(`data: ${data}`);
        stream.destroy();
        const plain = get(proxy, version, `${CHAT}?wait=0&from=earliest`, { "Accept-Encoding": "gzip" });
        expect((await plain.answered).headers["content-encoding"]).toBeUndefined();
      }
      const [ws, frames] = await websocket(`${proxy.url}${CHAT}?from=-1`, [], { perMessageDeflate: true });
      expect(ws.extensions).toContain("permessage-deflate");
      expect(await frames.next()).toContain("again and again");
    });

    it("asks again and again over the same connections to the nodes", async () => {
      const { nodes, proxy } = await behind(name);
      for (let n = 0; n < 30; n += 1) {
        const { status } = await fetch(`${proxy.url}${CHAT}`, { method: "POST", body: `${n}` });
        expect(status).toBe(201);
        expect(await (await fetch(`${proxy.url}${CHAT}?wait=0&from=-1`)).text()).toContain(`"data":"${n}"`);
      }
      const sockets = new Set<Socket>(nodes.requests.map(({ socket }) => socket));
      expect(sockets.size).toBeLessThan(10);
    });

    it("keeps open for the heartbeats what would else be silent for too long", { timeout: 30_000 }, async () => {
      const { nodes, proxy } = await behind(name, { hub: { heartbeatMs: 250 } }, shortSilence);
      const answers = VERSIONS.flatMap((version) =>
        ENDLESS.map(([, query]) => get(proxy, version, `${CHAT}?${query}`)),
      );
      const [raw, rawFrames] = await websocket(`${proxy.url}${CHAT}`, []);
      const [, messageFrames] = await websocket(`${proxy.secureUrl}${CHAT}`, ["tailwire.v1"]);
      // Each silence is a quarter of what the proxy allows, and all of them together are three times as much.
      for (let pings = 0; pings < 12; pings += 1) await once(raw, "ping");
      await nodes.hub.publish("chat", "still there");
      for (const answer of answers) await answer.until("still there");
      expect(await rawFrames.next()).toBe("still there");
      for (let frame = ""; !frame.includes("still there"); ) frame = await messageFrames.next();
    });

    it("ends what is silent for longer than it allows", async () => {
      const { proxy } = await behind(name, {}, shortSilence);
      const answers = VERSIONS.flatMap((version) =>
        ENDLESS.map(([, query]) => get(proxy, version, `${CHAT}?${query}`)),
      );
      const [raw] = await websocket(`${proxy.url}${CHAT}`, []);
      await Promise.all([once(raw, "close"), ...answers.map((answer: Exchange) => answer.whole())]);
    });

    it("allows more silence than two heartbeats, and than the longest wait of a long poll", () => {
      const allowed = SILENCE[name].map((setting) =>
        Number(new RegExp(`${setting} (\\d+)s`).exec(exampleConfig(name))?.[1]),
      );
      for (const seconds of allowed) expect(seconds).toBeGreaterThan(60);
    });

    it("goes on at the other node when one refuses all, and no request but a POST can see that", async () => {
      const { nodes, proxy } = await behind(name);
      await nodes.a.refuse();
      for (const version of VERSIONS) await assertServed(nodes, proxy, version, REFUSED_ONCE[name]);
    });

    it("goes on at the other node when one is gone, and no request sees that", async () => {
      const { nodes, proxy } = await behind(name);
      await nodes.b.crash();
      for (const version of VERSIONS) await assertServed(nodes, proxy, version, [201]);
    });
  });
});

describe.skipIf(isMissing("nginx"))("real nginx that holds answers back where nobody asks it not to", () => {
  it.each(ENDLESS)("holds nothing of a %s back, by the answer's own header", async (_, query, shape) => {
    const { nodes, proxy } = await behind("nginx", {}, (config) => config.replace("proxy_buffering off;", ""));
    const answer = get(proxy, "HTTP/1.1", `${CHAT}?${query}`);
    await answer.until("$open");
    await nodes.hub.publish("chat", "one");
    await answer.until(shape.replace("X", "one"));
  });
});

describe.skipIf(isMissing("haproxy"))("real haproxy", () => {
  it("carries a WebSocket over HTTP/2 (RFC 8441)", async () => {
    const { nodes, proxy } = await behind("haproxy");
    const session = connect(proxy.secureUrl, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    await once(session, "remoteSettings");
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const head = { ":method": "CONNECT", ":protocol": "websocket", ":path": CHAT, ":authority": "localhost" };
    const stream = session.request({ ...head, ":scheme": "https", "sec-websocket-version": "13" });
    expect((await once(stream, "response"))[0][":status"]).toBe(200);
    await nodes.hub.publish("chat", "hello");
    // RFC 6455, 5.2: one whole text frame of five bytes.
    expect((await once(stream, "data"))[0]).toEqual(Buffer.from("\x81\x05hello", "latin1"));
  });
});

/** Settings whose time is that of a silence. */
const SILENCE: Readonly<Record<ProxyName, readonly string[]>> = {
  nginx: ["proxy_read_timeout"],
  haproxy: ["timeout client", "timeout server", "timeout tunnel"],
};

function shortSilence(config: string): string {
  const changed = config.replace(/(proxy_read_timeout|timeout (?:client|server|tunnel)) 75s/g, "$1 1s");
  if (changed === config) throw new Error("there is no such time-out");
  return changed;
}

/** nginx passes on no body a second time that it has not kept; a client sends it again, by its idempotency key. */
const REFUSED_ONCE: Readonly<Record<ProxyName, readonly number[]>> = { nginx: [201, 503], haproxy: [201] };

/** @param statuses that a POST may be answered with; it is sent again until it is 201 */
async function assertServed(
  nodes: Nodes,
  proxy: RealProxy,
  version: (typeof VERSIONS)[number],
  statuses: readonly number[],
): Promise<void> {
  const from = await nodes.hub.cursor("chat");
  for (let n = 0; n < 10; n += 1) {
    const key = { "Idempotency-Key": `${version} ${n}` };
    for (let status = 0; status !== 201; ) {
      ({ status } = await post(proxy, version, CHAT, `${n}`, key));
      expect(statuses).toContain(status);
    }
    const { events } = JSON.parse(await get(proxy, version, `${CHAT}?wait=5&from=${from}`).whole());
    expect(events).toHaveLength(n + 1);
    const answer = get(proxy, version, `${CHAT}?transport=stream&from=${from}`);
    await answer.until('"type":"message"', n + 1);
    answer.abandon();
  }
}
