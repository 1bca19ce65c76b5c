/**
 * How many of the bytes that were read of a connection its requests are: so it is known that node:http holds none of the next
 * one, which would be lost with its socket. Every request of the connection has to be counted, from the first.
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { headLength } from "./request-text.ts";

interface Count {
  /** Of all requests so far. */
  bytes: number;
  /** Whether each was read as it is counted, and nothing behind it with it. */
  isSure: boolean;
}

const counts = new WeakMap<Socket, Count>();
/** Where each request ends in what is read of its connection. */
const ends = new WeakMap<IncomingMessage, number>();

/** Counts a request whose head has been read. */
export function countRequest(req: IncomingMessage): void {
  const { socket, headers } = req;
  const count = counts.get(socket) ?? { bytes: 0, isSure: true };
  counts.set(socket, count);
  const head = count.bytes + headLength(req);
  count.bytes = head + Number(headers["content-length"] ?? 0);
  ends.set(req, count.bytes);
  const { bytesRead } = socket;
  // What has another form than the usual is longer or shorter than it is counted.
  if (headers["transfer-encoding"] !== undefined || bytesRead < head || bytesRead > count.bytes) count.isSure = false;
}

/** A connection that comes back to node:http stays there: not all of its requests are the same, as those of a proxy's. */
export function countNoMore(socket: Socket): void {
  counts.set(socket, { bytes: 0, isSure: false });
}

/** Whether the request is the last of its connection so far, and all that was read are whole requests that were counted. */
export function isLastRead(req: IncomingMessage): boolean {
  const { socket } = req;
  const count = counts.get(socket);
  return count?.isSure === true && ends.get(req) === count.bytes && count.bytes === socket.bytesRead;
}
