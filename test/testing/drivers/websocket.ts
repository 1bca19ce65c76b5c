/** `websocket`, with messages and raw, on the npm package `ws`. */

import type { IncomingMessage } from "node:http";
import { type PerMessageDeflateOptions, WebSocket } from "ws";
import {
  CARRIES_ALL,
  type ConnectOptions,
  type DriverConnection,
  type DriverMessage,
  type TransportDriver,
} from "../../../src/testing/index.ts";
import { type CloseCode, COMES_BACK } from "../../../src/wire/close-codes.ts";
import { parseMessage } from "../../../src/wire/message.ts";
import { channelsOf, messageOf, refusalOf, requestFor, textOf } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { Place } from "./place.ts";

const ENDLESS = { endless: true, waits: true, pings: true, transport: "websocket" } as const;

export const websocketMessages: TransportDriver = {
  ...ENDLESS,
  name: "websocket tailwire.v1",
  opens: true,
  carries: CARRIES_ALL,
  connect: (url, options) => connect(url, ["tailwire.v1"], options, listenMessages),
};

export const websocketRaw: TransportDriver = {
  ...ENDLESS,
  name: "websocket raw",
  opens: false,
  carries: ["binary", "line-breaks"],
  connect: (url, options) => connect(url, [], options, listenRaw),
};

/** The same with permessage-deflate, which the server has to agree to. */
export const websocketMessagesDeflate: TransportDriver = {
  ...websocketMessages,
  name: "websocket tailwire.v1 with permessage-deflate",
  connect: (url, options) => connect(url, ["tailwire.v1"], options, listenMessages, true),
};

/** With a window of a kilobyte. */
export const websocketRawDeflate: TransportDriver = {
  ...websocketRaw,
  name: "websocket raw with permessage-deflate",
  connect: (url, options) => connect(url, [], options, listenRaw, { serverMaxWindowBits: 10 }),
};

type Listen = (ws: WebSocket, inbox: Inbox, place: Place) => void;

async function connect(
  url: string,
  protocols: string[],
  options: ConnectOptions,
  listen: Listen,
  perMessageDeflate: boolean | PerMessageDeflateOptions = false,
): Promise<DriverConnection> {
  const request = requestFor(url.replace(/^http/, "ws"), {}, options);
  const ws = new WebSocket(request.url, protocols, { headers: request.headers, perMessageDeflate });
  const inbox = new Inbox("");
  const place = new Place(channelsOf(url), "");
  ws.on("upgrade", ({ headers }) => {
    place.set(String(headers["tailwire-cursor"]));
    inbox.cursor = protocols.length === 0 ? "" : place.cursor;
  });
  listen(ws, inbox, place);
  const vanish = () => ws.terminate();
  options.signal?.addEventListener("abort", vanish, { once: true });
  await opened(ws);
  if ((ws.extensions !== "") !== (perMessageDeflate !== false)) throw new Error(`agreed on ${ws.extensions}`);
  ws.on("close", () => {
    options.signal?.removeEventListener("abort", vanish);
    inbox.end();
  });
  return {
    get cursor() {
      return inbox.cursor;
    },
    next: () => inbox.next(),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: () => leave(ws),
  };
}

function opened(ws: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    ws.on("open", resolve);
    ws.on("error", reject);
    ws.on("unexpected-response", (request, answer: IncomingMessage) => {
      textOf(answer).then((text) => {
        request.destroy();
        reject(refusalOf(answer.statusCode ?? 0, text));
      }, reject);
    });
  });
}

/** A paused client could not take part in the closing handshake. */
function leave(ws: WebSocket): void {
  if (ws.isPaused) ws.terminate();
  else ws.close(1000);
}

function listenMessages(ws: WebSocket, inbox: Inbox, place: Place): void {
  ws.on("message", (data: Buffer) => {
    for (const line of data.toString().split("\n")) {
      const message = messageOf(line);
      inbox.put(message, place.after(message));
    }
  });
}

/** A ping, a gap and a close are what they are in `tailwire.v1`. */
function listenRaw(ws: WebSocket, inbox: Inbox): void {
  ws.on("message", (data: Buffer, isBinary: boolean) => inbox.put(rawMessage(data, isBinary), ""));
  ws.on("ping", () => inbox.put({ type: "$heartbeat", time: 0 }, ""));
  ws.on("close", (code: number, reason: Buffer) => {
    if (!Object.hasOwn(COMES_BACK, code)) return;
    const reconnectMs = COMES_BACK[code as CloseCode] ? 0 : null;
    inbox.put({ type: "$close", code, reason: reason.toString(), reconnectMs }, "");
  });
}

function rawMessage(data: Buffer, isBinary: boolean): DriverMessage {
  if (isBinary) return { type: "message", data: data.toString("base64"), encoding: "base64" };
  const text = data.toString();
  const message = text.startsWith('{"type":"$gap"') ? parseMessage(text) : undefined;
  return message?.type === "$gap" ? (message as DriverMessage) : { type: "message", data: text };
}
