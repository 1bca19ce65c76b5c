/** Tailwire attached to a plain node:http server that has routes of its own. */

import http from "node:http";
import { fileURLToPath } from "node:url";

const PAGE = `<!doctype html>
<html lang="en">
  <title>Tailwire with node:http</title>
  <h1>News</h1>
  <ol id="news"></ol>
  <script>
    new EventSource("/push/channels/news?from=-10").onmessage = ({ data }) => {
      document.getElementById("news").append(Object.assign(document.createElement("li"), { textContent: data }));
    };
  </script>
</html>
`;

/**
 * The app's server, not listening yet.
 *
 * @param {Pick<typeof import("tailwire"), "attach" | "createHub">} tailwire the package
 */
export function createServer({ attach, createHub }) {
  const hub = createHub();
  const server = http.createServer((req, res) => {
    if (req.url === "/") res.setHeader("Content-Type", "text/html; charset=utf-8").end(PAGE);
    else res.writeHead(404).end("Not found\n");
  });
  attach(server, hub, { path: "/push" });
  return { server, hub };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server, hub } = createServer(await import("tailwire"));
  server.listen(3000, "127.0.0.1", () => console.log("open http://127.0.0.1:3000"));
  setInterval(() => hub.publish("news", `It is ${new Date().toLocaleTimeString()}.`), 5000);
}
