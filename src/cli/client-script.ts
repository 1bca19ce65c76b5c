/** The client as one file, for a `<script>` tag: it belongs to the server, so it is there without the demos, too. */

import { readFileSync } from "node:fs";
import { entityTag, type Page } from "./pages.ts";

/** Made by the build. */
const FILE = new URL("../client.js", import.meta.url);

/** Reads it. Pages of every site may load it, also those that are isolated or check its integrity. */
export function readClientScript(): Page {
  const content = readFileSync(FILE);
  const headers = {
    "Content-Type": "text/javascript; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    // A newer server is noticed within minutes, and a visit asks once.
    "Cache-Control": "public, max-age=300",
    ETag: entityTag(content),
  };
  return { content, headers };
}
