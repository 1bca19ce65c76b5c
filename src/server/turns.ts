/**
 * Pipelining. RFC 9112, 9.3.2: requests of one connection may be worked on side by side only where all their
 * methods are safe. A publish is not, so it waits for the answers before it, and what comes behind it waits for it.
 */

import type { IncomingMessage, ServerResponse } from "node:http";

interface Turn {
  readonly res: ServerResponse;
  /** Whether this and all that is under way before it is safe. */
  readonly safe: boolean;
}

/** The newest request of each connection. */
const newest = new WeakMap<object, Turn>();

/** Begins when it is this request's turn, and not at all when its connection has ended by then. */
export function inTurn(req: IncomingMessage, res: ServerResponse, begin: () => void): void {
  const before = newest.get(req.socket);
  const alone = before === undefined || before.res.writableFinished;
  const safe = (req.method === "GET" || req.method === "HEAD" || req.method === "OPTIONS") && (alone || before.safe);
  newest.set(req.socket, { res, safe });
  if (alone || safe) begin();
  else afterAnswer(req.socket, before.res, begin);
}

/** Begins when every answer of the connection is out. */
export function afterAll(socket: { readonly destroyed: boolean }, begin: () => void): void {
  const before = newest.get(socket);
  if (before === undefined || before.res.writableFinished) begin();
  else afterAnswer(socket, before.res, begin);
}

function afterAnswer(socket: { readonly destroyed: boolean }, res: ServerResponse, begin: () => void): void {
  res.once("close", () => socket.destroyed || begin());
}

/** Calls the listener once, when the answer is out or its connection has ended. */
export function whenGone(req: IncomingMessage, res: ServerResponse, listener: () => void): void {
  res.once("close", listener);
  // An answer that waits behind others is not told of the end of its connection.
  if (res.socket === null) req.socket.once("close", listener);
}
