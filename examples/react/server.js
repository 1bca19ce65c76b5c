/** Tailwire and a React page on one plain node:http server. */

import http from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PAGE = `<!doctype html>
<html lang="en">
  <meta name="viewport" content="width=device-width">
  <title>Tailwire with React</title>
  <main></main>
  <script type="module" src="/app.js"></script>
</html>
`;

/**
 * The app's server, not listening yet.
 *
 * @param {Pick<typeof import("tailwire"), "attach" | "createHub">} tailwire the package
 * @param {import("esbuild").BuildOptions} [options] more for the bundler
 */
export async function createServer({ attach, createHub }, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("app.jsx", import.meta.url))],
    bundle: true,
    format: "esm",
    jsx: "automatic",
    write: false,
    ...options,
  });
  const hub = createHub();
  const server = http.createServer((req, res) => {
    if (req.url === "/") res.setHeader("Content-Type", "text/html; charset=utf-8").end(PAGE);
    else if (req.url === "/app.js") res.setHeader("Content-Type", "text/javascript").end(outputFiles[0].text);
    else res.writeHead(404).end("Not found\n");
  });
  attach(server, hub, { path: "/push" });
  return { server, hub };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server } = await createServer(await import("tailwire"));
  server.listen(3000, "127.0.0.1", () => console.log("open http://127.0.0.1:3000"));
}
