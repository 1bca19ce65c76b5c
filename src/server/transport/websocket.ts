/**
 * `websocket` (RFC 6455): with the subprotocol `tailwire.v1` messages in both directions, with none raw data
 * frames (PROTOCOL.md, "WebSocket"). `ws` does the handshake, reads frames and ends the connection; what the
 * fan-out sends are our own ready frames, written straight to the socket that the upgrade handed us.
 *
 * Most clients say nothing but that they are there, so `ws` has the socket only from the first frame on that is
 * something else than an empty pong, or when the connection is closed (5.3 KB resident each in place of 6.7).
 */

import type { Socket } from "node:net";
import type { RawData, WebSocket, WebSocketServer } from "ws";
import type { Subscription } from "../../core/subscription.ts";
import type { CloseCode } from "../../wire/close-codes.ts";
import { type ConnectionOwner, NOBODY, type WireEncoding } from "../connection.ts";
import type { Heartbeat } from "../heartbeat.ts";
import type { Answer } from "./answer.ts";
import { open } from "./open.ts";
import type { Deflate } from "./websocket-deflate.ts";
import { deflated, PLAIN } from "./websocket-encoding.ts";
import { isPongs, PING, websocketFrame } from "./websocket-frame.ts";
import { answerHandshake, takeWebSocket } from "./websocket-handshake.ts";
import { MessageClient } from "./websocket-messages.ts";
import type { WebSocketClient, WebSocketPeer } from "./websocket-peer.ts";
import { RawClient } from "./websocket-raw.ts";

/** What the transport is given. */
export interface WebSocketAnswer
  extends Omit<Answer, "res" | "subscription" | "server" | "compression" | "maxIframeBytes"> {
  readonly websockets: WebSocketServer;
  readonly socket: Socket;
  /** The first bytes after the request's head. */
  readonly head: Buffer;
  /** Whether it speaks `tailwire.v1`. */
  readonly messages: boolean;
  /** Where both ends compress. */
  readonly deflate: Deflate | undefined;
  /** One a channel with `tailwire.v1`, and one in all without. */
  readonly subscriptions: readonly Subscription[];
}

/** Completes the handshake and serves the connection. */
export function serveWebSocket(answer: WebSocketAnswer): void {
  const { req, websockets, socket, head, cursor, messages, subscriptions, deflate, hub, heartbeat } = answer;
  const extension = deflate?.extension;
  if (!answerHandshake(websockets, req, socket, { extension, cursor })) {
    for (const subscription of subscriptions) subscription.close();
    return;
  }
  const encoding = encodingFor(answer);
  const link = { websockets, socket, extension, encoding };
  const connection = new WebSocketConnection(link, heartbeat, hub.settings.maxBufferedBytes);
  const client = messages
    ? new MessageClient(hub, connection, subscriptions)
    : new RawClient(hub, connection, subscriptions[0] as Subscription);
  connection.owner = client;
  connection.listen(client, head);
  open(answer, connection);
  for (const subscription of subscriptions) subscription.begin(connection);
}

function encodingFor({ deflate, messages, plan }: WebSocketAnswer): WireEncoding {
  const { messages: lines, raw, envelopes } = deflate === undefined ? PLAIN : deflated(deflate.windowBits);
  return messages ? lines : plan.format === "raw" ? raw : envelopes;
}

interface Link {
  readonly websockets: WebSocketServer;
  readonly socket: Socket;
  readonly extension: string | undefined;
  readonly encoding: WireEncoding;
}

/** Where a socket's listeners find its connection, so that they are shared: closures would be 150 bytes each. */
const CONNECTION = Symbol("connection");
type LinkedSocket = Socket & { [CONNECTION]?: WebSocketConnection };

class WebSocketConnection implements WebSocketPeer {
  readonly encoding: WireEncoding;
  wroteAt: number;
  owner: ConnectionOwner = NOBODY;
  readonly #socket: LinkedSocket;
  readonly #websockets: WebSocketServer;
  readonly #extension: string | undefined;
  /** Once it has taken the socket. */
  #ws: WebSocket | undefined;
  #client: WebSocketClient | undefined;
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

  constructor({ websockets, socket, extension, encoding }: Link, heartbeat: Heartbeat, maxBufferedBytes: number) {
    this.#websockets = websockets;
    this.#socket = socket;
    this.#extension = extension;
    this.encoding = encoding;
    this.#heartbeat = heartbeat;
    this.#maxBufferedBytes = maxBufferedBytes;
    heartbeat.add(this);
    this.wroteAt = this.#heardAt = heartbeat.now;
  }

  /** Begins to read, soon: these bytes first. */
  listen(client: WebSocketClient, head: Buffer): void {
    this.#client = client;
    const socket = this.#socket;
    socket[CONNECTION] = this;
    if (head.length > 0) socket.unshift(head);
    socket.on("data", heard);
    socket.on("end", hangUp);
    socket.on("close", gone);
  }

  /** Hands the socket to `ws`, with what has come and was not read. */
  wake(head: Buffer): WebSocket | undefined {
    const socket = this.#socket;
    socket.off("data", heard);
    socket.off("end", hangUp);
    socket.pause(); // or what is put back would wait for what comes next
    const ws = takeWebSocket(this.#websockets, socket, head, this.#extension);
    if (ws === undefined) return undefined;
    socket.off("close", gone);
    ws.on("message", (data: RawData, isBinary: boolean) => this.#client?.take(data as Buffer, isBinary));
    ws.on("close", () => this.ended()); // later than the socket's: it has read all then
    ws.on("error", ignore); // ws has answered it with the RFC's close code
    socket.resume();
    this.#ws = ws;
    return ws;
  }

  get closed(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  get halfFull(): boolean {
    return this.#socket.writableLength > this.#maxBufferedBytes / 2;
  }

  write(frame: Uint8Array): boolean {
    const socket = this.#socket;
    const ws = this.#ws;
    if (!socket.writable || (ws !== undefined && ws.readyState !== ws.OPEN)) return false;
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
    this.#ws?.pause(); // it has it: nobody waits before something was read
    const resume = () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      this.#ws?.resume();
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
    const ws = this.#ws ?? this.wake(NOTHING);
    ws?.close(code, reason);
    this.ended();
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
      if (now - this.#pingedAt >= heartbeatMs) this.#socket.destroy();
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

  /** The link is gone. */
  ended(): void {
    if (this.closed) return;
    this.#state = "closed";
    this.#heartbeat.remove(this);
    this.owner.close();
  }
}

const NOTHING = Buffer.alloc(0);

function heard(this: LinkedSocket, bytes: Buffer): void {
  if (!isPongs(bytes)) this[CONNECTION]?.wake(bytes);
}

function hangUp(this: Socket): void {
  this.end();
}

function gone(this: LinkedSocket): void {
  this[CONNECTION]?.ended();
}

function ignore(): void {}
