/** `stream`: one JSON message a line, endless (PROTOCOL.md, "Stream"). What curl, fetch and XHR read. */

import { encodeItem, type SystemMessage } from "../../wire/message.ts";
import type { WireEncoding } from "../connection.ts";
import type { Answer } from "./answer.ts";
import { type Framing, frameText } from "./framing.ts";
import { openHttpStream } from "./http-stream.ts";
import { open } from "./open.ts";

export function serveStream(answer: Answer): void {
  const { res, hub, heartbeat } = answer;
  const connection = openHttpStream(answer.req, res, {
    contentType: "application/x-ndjson",
    cursor: answer.cursor,
    maxBufferedBytes: hub.settings.maxBufferedBytes,
    heartbeat,
    encoding: streamEncoding,
  });
  connection.owner = answer.subscription;
  open(answer, connection);
  answer.subscription.begin(connection);
}

/** NDJSON, one message a line. */
export function streamEncoding(framing: Framing): WireEncoding {
  return framing === "chunked" ? CHUNKED : PLAIN;
}

const CHUNKED = makeEncoding("chunked");
const PLAIN = makeEncoding("plain");

function makeEncoding(framing: Framing): WireEncoding {
  const line = (message: SystemMessage) => frameText(`${JSON.stringify(message)}\n`, framing);
  return {
    key: `stream ${framing}`,
    carriesCursor: false,
    encode(items) {
      let text = "";
      for (const item of items) text += `${encodeItem(item)}\n`;
      return frameText(text, framing);
    },
    open: line,
    heartbeat: line,
    close: line,
  };
}
