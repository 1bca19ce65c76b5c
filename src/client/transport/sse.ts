/**
 * `sse`: Server-Sent Events, read with fetch and not with EventSource: that has no headers for a token, tells nothing
 * of an answer that it refuses, and reconnects by rules of its own.
 */

import { hasFetch, overFetch } from "../http.ts";
import type { Transport } from "../link.ts";
import { openEndless } from "./endless.ts";
import { readLines } from "./lines.ts";

export const sse: Transport = {
  name: "sse",
  available: hasFetch,
  open: (request, listener) =>
    openEndless(
      {
        exchange: overFetch,
        accept: "text/event-stream",
        // A message is one `data` line of its own event, whole when its line is; its id is inside.
        read: (message) => readLines((line) => line.startsWith("data:") && message(line.slice(5))),
      },
      request,
      listener,
    ),
};
