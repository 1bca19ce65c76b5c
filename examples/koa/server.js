/** Tailwire in a Koa app, behind its compression. */

import http from "node:http";
import { fileURLToPath } from "node:url";
import Koa from "koa";
import compress from "koa-compress";

const PAGE = `<!doctype html>
<html lang="en">
  <title>Tailwire in Koa</title>
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
 * @param {Pick<typeof import("tailwire"), "createHandler" | "createHub">} tailwire the package
 */
export function createServer({ createHandler, createHub }) {
  const hub = createHub();
  const tailwire = createHandler(hub, { path: "/push" });
  const app = new Koa();
  app.use(compress({ threshold: 0 }));
  app.use((ctx, next) => {
    if (!tailwire.handles(ctx.req)) return next();
    ctx.respond = false;
    tailwire(ctx.req, ctx.res);
  });
  app.use((ctx) => {
    if (ctx.path === "/") ctx.body = PAGE;
  });
  const server = http.createServer(app.callback());
  server.on("upgrade", tailwire.upgrade);
  return { server, hub };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server, hub } = createServer(await import("tailwire"));
  server.listen(3000, "127.0.0.1", () => console.log("open http://127.0.0.1:3000"));
  setInterval(() => hub.publish("news", `It is ${new Date().toLocaleTimeString()}.`), 5000);
}
