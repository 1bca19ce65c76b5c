/** The three ways in which items become WebSocket frames. Pure. */

import { type ChannelEvent, type Item, isGap } from "../../core/event.ts";
import { encodeItem, type SystemMessage } from "../../wire/message.ts";
import type { WireEncoding } from "../connection.ts";
import { PING, websocketFrame } from "./websocket-frame.ts";

/** `tailwire.v1`: a flush is one frame, a message a line. */
export const messageEncoding: WireEncoding = encodingOf("websocket messages", (lines) =>
  websocketFrame("text", lines.join("\n")),
);

/** Without the subprotocol, and not raw: a frame a message. */
export const envelopeEncoding: WireEncoding = encodingOf("websocket envelopes", (lines) =>
  Buffer.concat(lines.map((line) => websocketFrame("text", line))),
);

/** Data frames as published. A gap is the one message among them: it may not be passed over in silence. */
export const rawEncoding: WireEncoding = {
  key: "websocket raw",
  carriesCursor: false,
  encode: (items) => Buffer.concat(items.map(rawFrame)),
  open: () => undefined,
  heartbeat: () => PING,
  close: () => undefined,
};

function encodingOf(key: string, frame: (lines: readonly string[]) => Buffer): WireEncoding {
  const one = (message: SystemMessage) => frame([JSON.stringify(message)]);
  return {
    key,
    carriesCursor: false,
    encode: (items) => frame(items.map(encodeItem)),
    open: one,
    heartbeat: one,
    close: one,
  };
}

function rawFrame(item: Item): Buffer {
  return isGap(item) ? websocketFrame("text", encodeItem(item)) : rawData(item);
}

function rawData({ data }: ChannelEvent): Buffer {
  return data.kind === "binary" ? websocketFrame("binary", data.bytes) : websocketFrame("text", data.text);
}
