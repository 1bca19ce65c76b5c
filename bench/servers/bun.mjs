// Bun's native publish: uWebSockets' topics, which batch what is published in one turn of the loop.
//
// argv: the port. Run by Bun, not by Node.

import { createInterface } from "node:readline";

const Bun = /** @type {any} */ (globalThis).Bun;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  /** @param {Request} request */
  async fetch(request) {
    const channel = new URL(request.url).pathname;
    if (request.method === "GET")
      return server.upgrade(request, { data: channel }) ? undefined : new Response("", { status: 426 });
    server.publish(channel, await request.text());
    return new Response(null, { status: 204 });
  },
  websocket: {
    perMessageDeflate: false,
    // Left at 120 s, with the pings that keep an idle client: what a server needs in earnest.
    idleTimeout: 120,
    // 16 MB and no closing are its defaults; past the limit an event would be dropped, and the run would fail.
    open: (/** @type {any} */ socket) => socket.subscribe(socket.data),
    message() {},
  },
});

const lines = createInterface({ input: process.stdin });
lines.on("line", () => {
  Bun.gc(true);
  console.log("done");
});
lines.on("close", () => process.exit());
