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

/** Counts a request whose head has been read. */
export function countRequest(req: IncomingMessage): void {
  const { socket, headers } = req;
  const count = counts.get(socket) ?? { bytes: 0, isSure: true };
  counts.set(socket, count);
  const head = count.bytes + headLength(req);
  count.bytes = head + Number(headers["content-length"] ?? 0);
  const { bytesRead } = socket;
  // What has another form than the usual is longer or shorter than it is counted.
  if (headers["transfer-encoding"] !== undefined || bytesRead < head || bytesRead > count.bytes) count.isSure = false;
}

/** Whether all that was read of the connection are whole requests that were counted. */
export function isBetweenRequests(socket: Socket): boolean {
  const count = counts.get(socket);
  return count?.isSure === true && count.bytes === socket.bytesRead;
}
