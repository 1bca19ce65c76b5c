/** An endless answer whose socket is taken out of node:http's hands, and one where that cannot be. */

import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { rawConnection } from "../e2e/raw-connection.ts";
import { serve } from "../e2e/serve.ts";

const HTTP_EVENTS = ["data", "drain", "end", "resume", "pause", "timeout"] as const;

/** Opens a stream; `before` sees its request first, and is gone before the stream is served. */
async function opened(before: (req: IncomingMessage) => void = () => {}) {
  const { server, port, hub, store } = await serve();
  const requests: IncomingMessage[] = [];
  server.prependOnceListener("request", (req) => {
    requests.push(req);
    before(req);
  });
  const client = await rawConnection(port);
  await client.request("GET", "/channels/news").head();
  expect(await client.message()).toMatchObject({ type: "$open" });
  const [req] = requests as [IncomingMessage];
  return { server, hub, store, client, req, socket: req.socket };
}

/** What a client gets of a stream from here on. */
async function followed({ hub, client }: Awaited<ReturnType<typeof opened>>) {
  await hub.publish("news", "live");
  expect(await client.message()).toMatchObject({ data: "live" });
  await hub.close();
  expect(await client.message()).toMatchObject({ type: "$close", code: 1001 });
  expect(await client.chunk()).toBe("");
}

describe("taken", () => {
  it("has no listener of node:http left, and goes on", async () => {
    const stream = await opened();
    const names = HTTP_EVENTS.flatMap((event) => stream.socket.listeners(event).map(({ name }) => name));
    expect(names.filter((name) => name.startsWith("bound socketOn") || name.startsWith("onSocket"))).toEqual([]);
    await followed(stream);
  });

  it("ends its connection with the answer", async () => {
    const { hub, client } = await opened();
    await hub.close();
    expect(await client.message()).toMatchObject({ type: "$close" });
    expect(await client.rest()).toBe("0\r\n\r\n");
  });

  it("leaves other listeners on the socket as they were, and tells them of nothing before its end", async () => {
    let closed = 0;
    const stream = await opened(({ socket }) => socket.on("close", () => (closed += 1)));
    expect(stream.socket.listenerCount("timeout")).toBe(0);
    expect(closed).toBe(0);
    stream.client.reset();
    await stream.store.whenFollowed(0);
    expect(closed).toBe(1);
  });

  it.each(["end", "reset"] as const)("is closed with its client's %s", async (how) => {
    const { client, store } = await opened();
    client[how]();
    await store.whenFollowed(0);
  });

  it("does not read on when its client speaks on", async () => {
    const { client, socket, hub } = await opened();
    client.send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    expect(socket.isPaused()).toBe(true);
    await hub.publish("news", "live");
    expect(await client.message()).toMatchObject({ data: "live" });
  });
});

describe("not taken", () => {
  it.each([
    [
      "a listener of node:http is not there",
      ({ socket }: IncomingMessage) => void socket.removeAllListeners("timeout"),
    ],
    [
      "one has another name",
      ({ socket }: IncomingMessage) => {
        const [listener] = socket.listeners("pause");
        socket.removeAllListeners("pause").on("pause", () => listener?.call(socket));
      },
    ],
  ])("where %s, and goes on with node:http", async (_, change) => {
    const stream = await opened(change);
    expect(stream.socket.listeners("data").map(({ name }) => name)).toEqual(["bound socketOnData"]);
    await followed(stream);
  });
});
