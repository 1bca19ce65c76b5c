/** `stream`: one JSON message a line, endless (PROTOCOL.md, "Stream"). What curl, fetch and XHR read. */

import type { IncomingMessage } from "node:http";
import { encodeItem, type SystemMessage } from "../../wire/message.ts";
import type { WireEncoding } from "../connection.ts";
import type { Answer } from "./answer.ts";
import { contentCoding } from "./content-coding.ts";
import { type Framing, frameFirst, frameText } from "./framing.ts";
import { openHttpStream } from "./http-stream.ts";
import { open } from "./open.ts";

export function serveStream(answer: Answer): void {
  const connection = openHttpStream(answer, {
    contentType: isPage(answer.req) ? "text/plain; charset=utf-8" : "application/x-ndjson",
    ...contentCoding(answer),
    encoding: streamEncoding,
  });
  connection.owner = answer.subscription;
  open(answer, connection);
  answer.subscription.begin(connection);
}

/** A browser that opens the URL in a tab shows plain text as it comes; NDJSON it would download, without end. */
function isPage({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes("text/html") ?? false;
}

/** NDJSON, one message a line. */
export function streamEncoding(framing: Framing): WireEncoding {
  return ENCODINGS[framing];
}

const ENCODINGS: Readonly<Record<Framing, WireEncoding>> = {
  chunked: makeEncoding("chunked"),
  plain: makeEncoding("plain"),
  "gzip chunked": makeEncoding("gzip chunked"),
  "gzip plain": makeEncoding("gzip plain"),
};

function makeEncoding(framing: Framing): WireEncoding {
  const lineOf = (message: SystemMessage) => `${JSON.stringify(message)}\n`;
  const line = (message: SystemMessage) => frameText(lineOf(message), framing);
  return {
    key: `stream ${framing}`,
    carriesCursor: false,
    encode(items) {
      let text = "";
      for (const item of items) text += `${encodeItem(item)}\n`;
      return frameText(text, framing);
    },
    open: (message) => frameFirst(lineOf(message), framing),
    heartbeat: line,
    close: line,
  };
}
