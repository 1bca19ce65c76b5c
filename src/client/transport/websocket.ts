/** `websocket`: the subprotocol `tailwire.v1`. Its link changes its channels, and publishes, by messages. */

import { TailwireError } from "../../core/errors.ts";
import { type CloseCode, COMES_BACK } from "../../wire/close-codes.ts";
import type { AckMessage, ErrorMessage, Message } from "../../wire/message.ts";
import { subscribeUrl } from "../address.ts";
import type { ChannelOp, Link, LinkListener, LinkRequest, PublishOp, Settle, Transport } from "../link.ts";
import { PROBE_S } from "../race.ts";
import { oneByOne } from "./messages.ts";

export const websocket: Transport = {
  name: "websocket",
  available: ({ WebSocket = globalThis.WebSocket }) => typeof WebSocket === "function",
  open: openWebSocket,
};

/** How long a server may take to agree to the end, in milliseconds. */
const CLOSE_MS = 1000;

function openWebSocket(request: LinkRequest, listener: LinkListener): Link {
  const { WebSocket = globalThis.WebSocket, token } = request;
  // A browser's WebSocket has no headers: the token goes in the URL, whose log line servers leave out.
  const url = subscribeUrl(request, { probe: PROBE_S, token });
  const socket = new WebSocket(url.replace(/^http/, "ws"), "tailwire.v1");
  const asked = new Map<unknown, Settle>();
  let closed = false;
  let refs = 0;

  const take = oneByOne({ ...listener, message: (message) => answer(message) });

  function answer(message: Message | AckMessage | ErrorMessage): void {
    if (isAnswer(message)) {
      const settle = asked.get(message.ref);
      asked.delete(message.ref);
      settle?.(message.type === "$ack" ? message : new TailwireError(message.code, message.detail));
    } else listener.message(message);
  }

  function send(op: ChannelOp | PublishOp, settle: Settle): void {
    const ref = ++refs;
    asked.set(ref, settle);
    socket.send(JSON.stringify({ ...op, ref }));
  }

  function end(error: TailwireError): void {
    if (closed) return;
    close();
    listener.ended(error);
  }

  function close(): void {
    closed = true;
    socket.close();
    // That of `ws` waits half a minute for a server that is gone, and a program with it.
    const cancel = request.clock.after(CLOSE_MS, () => (socket as { terminate?(): void }).terminate?.());
    socket.onclose = cancel;
    const ended = new TailwireError("unreachable", "the connection ended before the answer");
    for (const settle of asked.values()) settle(ended);
    asked.clear();
  }

  socket.onmessage = ({ data }) => {
    try {
      for (const line of String(data).split("\n")) if (!closed && line !== "") take(line);
    } catch (error) {
      end(error as TailwireError);
    }
  };
  socket.onclose = ({ code, reason }) => {
    if (!closed && COMES_BACK[code as CloseCode] === false) {
      listener.message({ type: "$close", code, reason, reconnectMs: null });
    }
    end(new TailwireError("unreachable", `the WebSocket closed with ${code} ${reason}`));
  };
  // What went wrong is not told to scripts; `close` follows.
  socket.onerror = () => {};

  return { close, change: send, publish: send };
}

function isAnswer(message: Message | AckMessage | ErrorMessage): message is AckMessage | ErrorMessage {
  return message.type === "$ack" || message.type === "$error";
}
