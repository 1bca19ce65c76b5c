// What every Node server under test has: it listens on the port it is told, obeys its standard input, and ends with its parent.

import { createInterface } from "node:readline";

/**
 * Listens on the port of the first argument. The line "gc" on standard input collects garbage (needs --expose-gc) and
 * prints "done".
 * @param {import("node:net").Server} server
 */
export function listen(server) {
  server.listen(Number(process.argv[2]), "127.0.0.1");
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line !== "gc") return;
    globalThis.gc?.();
    globalThis.gc?.();
    console.log("done");
  });
  lines.on("close", () => process.exit());
}

/**
 * An http server on which POST /publish/{channel} calls `publish` with the body's text and answers 204.
 * @param {import("node:http").Server} server
 * @param {(channel: string, text: string) => void} publish
 */
export function acceptPublishes(server, publish) {
  const prefix = "/publish/";
  server.on("request", (request, response) => {
    if (request.method !== "POST" || !request.url?.startsWith(prefix)) return;
    const channel = request.url.slice(prefix.length);
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      publish(channel, text);
      response.writeHead(204).end();
    });
  });
}
