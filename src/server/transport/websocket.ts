/**
 * `websocket` (RFC 6455): with the subprotocol `tailwire.v1` messages in both directions, with none raw data
 * frames (PROTOCOL.md, "WebSocket"). `ws` does the handshake, reads frames and ends the connection; what the
 * fan-out sends are our own ready frames, written straight to the socket that the upgrade handed us.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { WebSocketServer } from "ws";
import type { Subscription } from "../../core/subscription.ts";
import type { CloseCode } from "../../wire/close-codes.ts";
import { type ConnectionOwner, NOBODY, type WireEncoding } from "../connection.ts";
import type { Heartbeat } from "../heartbeat.ts";
import type { Answer } from "./answer.ts";
import { open } from "./open.ts";
import type { Deflate } from "./websocket-deflate.ts";
import { deflated, PLAIN } from "./websocket-encoding.ts";
import { PING, websocketFrame } from "./websocket-frame.ts";
import { MessageClient } from "./websocket-messages.ts";
import type { WebSocketPeer } from "./websocket-peer.ts";
import { RawClient } from "./websocket-raw.ts";

/** The subprotocol that this server speaks. */
export const SUBPROTOCOL = "tailwire.v1";
/** Room for what stands around an event's data in a message. Base64 and escapes make data longer. */
const MESSAGE_OVERHEAD = 4096;

/** How `ws` inflates what clients send: with a buffer of 4 KiB, and not 16, for each who has sent something. */
const READING = { zlibInflateOptions: { chunkSize: 4096 } };

/** What the transport is given: `subscriptions` are one a channel with `tailwire.v1`, and one in all without. */
export interface WebSocketAnswer
  extends Omit<Answer, "res" | "subscription" | "server" | "compression" | "maxIframeBytes"> {
  readonly socket: Socket;
  /** The first bytes after the request's head. */
  readonly head: Buffer;
  /** Where both ends compress. */
  readonly deflate: Deflate | undefined;
  readonly subscriptions: readonly Subscription[];
}

/** Does handshakes, for the hub's largest event. With compression, it answers as `answer.deflate` says. */
export function websocketServer(maxEventBytes: number, compression: boolean): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: compression && READING,
    maxPayload: maxEventBytes * 2 + MESSAGE_OVERHEAD,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
}

/** Completes the handshake and serves the connection. */
export function serveWebSocket(server: WebSocketServer, answer: WebSocketAnswer): void {
  const { req, socket, head, cursor, deflate } = answer;
  // `ws` takes this one offer as it is; where it had none to take of a client's own it would end the connection.
  req.headers["sec-websocket-extensions"] = deflate?.extension;
  const addCursor = (headers: string[], request: IncomingMessage) => {
    if (request === req) headers.push(`Tailwire-Cursor: ${cursor}`);
  };
  server.on("headers", addCursor);
  server.handleUpgrade(req, socket, head, (ws) => begin(ws, answer));
  server.off("headers", addCursor);
}

function begin(ws: WebSocket, answer: WebSocketAnswer): void {
  const { hub, heartbeat, socket, plan, deflate } = answer;
  const messages = ws.protocol === SUBPROTOCOL;
  const { messages: lines, raw, envelopes } = deflate === undefined ? PLAIN : deflated(deflate.windowBits);
  const encoding = messages ? lines : plan.format === "raw" ? raw : envelopes;
  const connection = new WebSocketConnection(ws, socket, encoding, heartbeat, hub.settings.maxBufferedBytes);
  const client = messages
    ? new MessageClient(hub, connection, answer.subscriptions)
    : new RawClient(hub, connection, plan.names, answer.subscriptions);
  ws.on("message", (data: RawData, isBinary: boolean) => client.take(data as Buffer, isBinary));
  connection.owner = client;
  open(answer, connection);
  for (const subscription of answer.subscriptions) subscription.begin(connection);
}

class WebSocketConnection implements WebSocketPeer {
  readonly encoding: WireEncoding;
  wroteAt: number;
  owner: ConnectionOwner = NOBODY;
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #heartbeat: Heartbeat;
  readonly #maxBufferedBytes: number;
  #state: "open" | "full" | "closing" | "closed" = "open";
  /** What had been read of the peer at the last sweep, and when that was last more than before. */
  #heardBytes = 0;
  #heardAt: number;
  /** When it was asked for a pong that has not come. */
  #pingedAt: number | undefined;
  /** How many wait for what makes it read on, and whether one of them waits for a drain. */
  #pauses = 0;
  /** Closes it for a restart, once what the client has published is answered. */
  #whenAnswered: (() => void) | undefined;
  #heldBack = false;

  constructor(ws: WebSocket, socket: Socket, encoding: WireEncoding, heartbeat: Heartbeat, maxBufferedBytes: number) {
    this.#ws = ws;
    this.#socket = socket;
    this.encoding = encoding;
    this.#heartbeat = heartbeat;
    this.#maxBufferedBytes = maxBufferedBytes;
    heartbeat.add(this);
    this.wroteAt = this.#heardAt = heartbeat.now;
    ws.on("close", () => this.#ended());
    ws.on("error", ignore); // ws has answered it with the RFC's close code
  }

  get closed(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  get halfFull(): boolean {
    return this.#socket.writableLength > this.#maxBufferedBytes / 2;
  }

  write(frame: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket.writable || this.#ws.readyState !== this.#ws.OPEN) return false;
    this.wroteAt = this.#heartbeat.now;
    socket.write(frame);
    // Below the stream's own high-water mark no drain would be told of, so that bound holds if it is the larger.
    return socket.writableLength <= this.#maxBufferedBytes || !socket.writableNeedDrain || this.#fill();
  }

  send(line: string): void {
    // Whoever does not read the answers is not read either.
    if (this.write(websocketFrame("text", line)) || this.#state !== "full" || this.#heldBack) return;
    this.#heldBack = true;
    this.pauseUntil(new Promise((resolve) => this.#socket.once("drain", resolve)).then(() => this.#letGo()));
  }

  #letGo(): void {
    this.#heldBack = false;
  }

  pauseUntil(settled: Promise<unknown>): void {
    this.#pauses += 1;
    this.#ws.pause();
    const resume = () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      this.#ws.resume();
      // Behind whoever sends the answer, and waits for the same.
      if (this.#whenAnswered !== undefined) queueMicrotask(this.#whenAnswered);
    };
    settled.then(resume, resume);
  }

  close(code: CloseCode, reason: string, reconnectMs?: number): void {
    if (this.closed) return;
    if (code === 1012 && this.#pauses > 0) {
      this.#whenAnswered = () => this.close(code, reason, reconnectMs);
      return;
    }
    const frame = this.encoding.close(this.#heartbeat.closeMessage(code, reason, reconnectMs));
    if (frame !== undefined) this.write(frame);
    this.#ws.close(code, reason);
    this.#ended();
    this.#state = "closing";
  }

  fail(): void {
    this.close(1011, "the log could not be read");
  }

  /** Asks a silent peer for a pong, and ends the link when it is silent still, after two heartbeats in all. */
  checkPeer(now: number): void {
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#heardBytes) {
      this.#heardBytes = bytesRead;
      this.#heardAt = now;
      this.#pingedAt = undefined;
    }
    const { heartbeatMs } = this.#heartbeat;
    if (this.#pingedAt !== undefined) {
      // Counted from the ping: after a sleep of this machine everybody has been silent for long.
      if (now - this.#pingedAt >= heartbeatMs) this.#ws.terminate();
    } else if (now - this.#heardAt >= heartbeatMs) {
      this.#pingedAt = now;
      // Past `write`: a ping is no heartbeat to those whose heartbeats are messages.
      if (this.#socket.writable) this.#socket.write(PING);
    }
  }

  #fill(): false {
    if (this.#state === "open") {
      this.#state = "full";
      this.#socket.once("drain", () => {
        if (this.#state !== "full") return;
        this.#state = "open";
        this.owner.drained();
      });
    }
    return false;
  }

  #ended(): void {
    if (this.closed) return;
    this.#state = "closed";
    this.#heartbeat.remove(this);
    this.owner.close();
  }
}

function ignore(): void {}
