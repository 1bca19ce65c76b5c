/** `stream`: one message a line over fetch. */

import { hasFetch, overFetch } from "../http.ts";
import type { Transport } from "../link.ts";
import { openEndless } from "./endless.ts";

export const stream: Transport = {
  name: "stream",
  available: hasFetch,
  open: (request, listener) =>
    openEndless({ exchange: overFetch, accept: "application/x-ndjson", prefix: "" }, request, listener),
};
