// What every server under test has: it says its port once it listens, obeys its standard input, and ends with its parent.

import { createInterface } from "node:readline";

/**
 * Prints the port as one line. The line "gc" on standard input collects garbage (needs --expose-gc) and prints "done".
 * @param {import("node:net").Server} server
 */
export function listen(server) {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") console.log(address.port);
  });
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
 * An http server on which POST /publish calls `publish` with the body's text and answers 204.
 * @param {import("node:http").Server} server
 * @param {(text: string) => void} publish
 */
export function acceptPublishes(server, publish) {
  server.on("request", (request, response) => {
    if (request.method !== "POST" || request.url !== "/publish") return;
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      publish(text);
      response.writeHead(204).end();
    });
  });
}
