/**
 * `sse`: Server-Sent Events, read with fetch and not with EventSource: that has no headers for a token, tells nothing
 * of an answer that it refuses, and reconnects by rules of its own. A message is one `data` line of an event, whole
 * when its line is, with its id inside.
 */

import { hasFetch, overFetch } from "../http.ts";
import type { Transport } from "../link.ts";
import { openEndless } from "./endless.ts";

export const sse: Transport = {
  name: "sse",
  available: hasFetch,
  open: (request, listener) =>
    openEndless({ exchange: overFetch, accept: "text/event-stream", prefix: "data: " }, request, listener),
};
