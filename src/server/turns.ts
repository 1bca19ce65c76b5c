/**
 * Pipelining. RFC 9112, 9.3.2: requests of one connection may be worked on side by side only where all their
 * methods are safe. A publish is not, so it waits for the answers before it, and what comes behind it waits for it.
 */

import type { IncomingMessage, ServerResponse } from "node:http";

/** The newest answer of each connection. */
const newest = new WeakMap<object, ServerResponse>();
/** Those that are not safe, or come behind one that was not when they came. */
const unsafe = new WeakSet<ServerResponse>();

/** Begins when it is this request's turn, and not at all when its connection has ended by then. */
export function inTurn(req: IncomingMessage, res: ServerResponse, begin: () => void): void {
  const before = newest.get(req.socket);
  newest.set(req.socket, res);
  const alone = before === undefined || before.writableFinished;
  const safe =
    (req.method === "GET" || req.method === "HEAD" || req.method === "OPTIONS") && (alone || !unsafe.has(before));
  if (!safe) unsafe.add(res);
  if (alone || safe) begin();
  else afterAnswer(req.socket, before, begin);
}

/** Begins when every answer of the connection is out. */
export function afterAll(socket: { readonly destroyed: boolean }, begin: () => void): void {
  const before = newest.get(socket);
  if (before === undefined || before.writableFinished) begin();
  else afterAnswer(socket, before, begin);
}

function afterAnswer(socket: { readonly destroyed: boolean }, res: ServerResponse, begin: () => void): void {
  res.once("close", () => socket.destroyed || begin());
}

/** Calls the listener, once or twice, when the answer is out or its connection has ended. */
export function whenGone(req: IncomingMessage, res: ServerResponse, listener: () => void): void {
  res.on("close", listener); // `once` would keep 160 bytes more for each
  // An answer that waits behind others is not told of the end of its connection.
  if (res.socket === null) req.socket.once("close", listener);
}
