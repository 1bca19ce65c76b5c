/** The three ways in which items become WebSocket frames, each with permessage-deflate or without. Pure. */

import { type ChannelEvent, type Item, isGap } from "../../core/event.ts";
import { encodeItem, type SystemMessage } from "../../wire/message.ts";
import type { WireEncoding } from "../connection.ts";
import { deflatedFrames } from "./websocket-deflate.ts";
import { type MakeFrame, PING, websocketFrame } from "./websocket-frame.ts";

/** The encodings of connections that have agreed on the same. */
export interface WebSocketEncodings {
  /** `tailwire.v1`: a flush is one frame, a message a line. */
  readonly messages: WireEncoding;
  /** Without the subprotocol, and not raw: a frame a message. */
  readonly envelopes: WireEncoding;
  /** Data frames as published. A gap is the one message among them: it may not be passed over in silence. */
  readonly raw: WireEncoding;
}

/** Without an extension. */
export const PLAIN: WebSocketEncodings = makeEncodings("websocket", () => websocketFrame);

/** With permessage-deflate, for clients with a window of 2^windowBits bytes. */
export function deflated(windowBits: number): WebSocketEncodings {
  const encodings =
    made.get(windowBits) ?? makeEncodings(`websocket deflate ${windowBits}`, () => deflatedFrames(windowBits));
  made.set(windowBits, encodings);
  return encodings;
}

/** By the window; there are seven. */
const made = new Map<number, WebSocketEncodings>();

/** @param frames gives what makes the frames of one flush */
function makeEncodings(key: string, frames: () => MakeFrame): WebSocketEncodings {
  return {
    messages: encodingOf(`${key} messages`, (lines) => frames()("text", lines.join("\n"))),
    envelopes: encodingOf(`${key} envelopes`, (lines) => {
      const frame = frames();
      return Buffer.concat(lines.map((line) => frame("text", line)));
    }),
    raw: {
      key: `${key} raw`,
      carriesCursor: false,
      encode(items) {
        const frame = frames();
        return Buffer.concat(items.map((item) => rawFrame(item, frame)));
      },
      open: () => undefined,
      heartbeat: () => PING,
      close: () => undefined,
    },
  };
}

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

function rawFrame(item: Item, frame: MakeFrame): Buffer {
  return isGap(item) ? frame("text", encodeItem(item)) : rawData(item, frame);
}

function rawData({ data }: ChannelEvent, frame: MakeFrame): Buffer {
  return data.kind === "binary" ? frame("binary", data.bytes) : frame("text", data.text);
}
