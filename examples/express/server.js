/** Tailwire in an Express app, behind its compression. */

import http from "node:http";
import { fileURLToPath } from "node:url";
import compression from "compression";
import express from "express";

const PAGE = `<!doctype html>
<html lang="en">
  <title>Tailwire in Express</title>
  <h1>News</h1>
  <ol id="news"></ol>
  <form method="post"><input name="news" aria-label="News" required> <button>Publish</button></form>
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
 * @param {Pick<typeof import("tailwire"), "createHandler" | "createHub">} tailwire the package
 */
export function createServer({ createHandler, createHub }) {
  const hub = createHub();
  const tailwire = createHandler(hub, { path: "/push" });
  const app = express();
  app.use(compression({ threshold: 0 }));
  app.use(tailwire);
  app.use(express.urlencoded());
  app.get("/", (_req, res) => res.send(PAGE));
  app.post("/", async (req, res) => {
    await hub.publish("news", String(req.body.news));
    res.redirect(303, "/");
  });
  const server = http.createServer(app);
  server.on("upgrade", tailwire.upgrade);
  return { server, hub };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server } = createServer(await import("tailwire"));
  server.listen(3000, "127.0.0.1", () => console.log("open http://127.0.0.1:3000"));
}
