/**
 * Pipelining: a request is begun when the answers before it on its connection are out, and drained. That keeps their
 * order, gives each its socket, and bounds what a client that asks without reading can make the server hold. While
 * many requests wait, no more are read.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Requests that wait past which the connection is not read: then its end is not noticed either, so not at the first. */
const MAX_WAITING = 16;

/** The requests of one connection. */
interface Line {
  newest: ServerResponse;
  waiting: number;
  /** Whether an answer is under way that does not end by itself. */
  endless: boolean;
}

const lines = new WeakMap<Duplex, Line>();

/** Begins when it is this request's turn, and not at all when its connection has ended by then. */
export function inTurn({ socket }: IncomingMessage, res: ServerResponse, begin: () => void): void {
  const line = lines.get(socket) ?? { newest: res, waiting: 0, endless: false };
  const before = line.newest;
  line.newest = res;
  lines.set(socket, line);
  if (before === res || before.writableFinished) {
    begin();
    return;
  }
  line.waiting += 1;
  // Not at once: node:http reads on at the end of each request that it parses.
  if (line.waiting > MAX_WAITING) queueMicrotask(() => line.waiting > MAX_WAITING && socket.pause());
  before.once("close", () => {
    line.waiting -= 1;
    if (socket.destroyed) return;
    if (line.waiting === MAX_WAITING) socket.resume();
    begin();
  });
}

/** Begins when every answer of the connection is out; one that waits for an endless answer is ended instead. */
export function afterAll(socket: Duplex, begin: () => void): void {
  const line = lines.get(socket);
  if (line === undefined || line.newest.writableFinished) begin();
  else if (line.endless) socket.destroy();
  else line.newest.once("close", () => socket.destroyed || begin());
}

/** Says that the answer to a request does not end by itself. */
export function markEndless({ socket }: IncomingMessage): void {
  const line = lines.get(socket);
  if (line !== undefined) line.endless = true;
}

/** Whether no request waits behind the one that is answered. */
export function isAlone(socket: Duplex): boolean {
  return (lines.get(socket)?.waiting ?? 0) === 0;
}

/** Ends the connection with this answer, where no request waits behind it. */
export function closeBehind({ socket }: IncomingMessage, res: ServerResponse): void {
  if (isAlone(socket)) res.shouldKeepAlive = false;
}

/** Forgets a connection on which no more requests are read. */
export function forgetLine(socket: Duplex): void {
  lines.delete(socket);
}

/** Calls the listener, once or twice, when the answer is out or its connection has ended. */
export function whenGone(req: IncomingMessage, res: ServerResponse, listener: () => void): void {
  res.on("close", listener); // `once` would keep 160 bytes more for each
  // Behind another handler's answer it is not told of the end of its connection.
  if (res.socket === null) req.socket.once("close", listener);
}
