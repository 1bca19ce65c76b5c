/** Reads the first request's head of a connection, for proxies that work on bytes. */

import type { IncomingHttpHeaders } from "node:http";
import type { ProxiedRequest } from "./network.ts";

const MAX_HEAD_BYTES = 64 * 1024;

/** Takes a connection's first bytes, cut anywhere. */
export interface HeadReader {
  /** The bytes taken so far. */
  readonly taken: Buffer;
  /** The request, once its head is whole; null where the bytes are no request; undefined while more are needed. */
  push(chunk: Buffer): ProxiedRequest | null | undefined;
}

export function createHeadReader(): HeadReader {
  let taken = Buffer.alloc(0);
  return {
    get taken() {
      return taken;
    },
    push(chunk) {
      taken = Buffer.concat([taken, chunk]);
      const end = taken.indexOf("\r\n\r\n");
      if (end >= 0) return parseHead(taken.subarray(0, end).toString("latin1"));
      return taken.length > MAX_HEAD_BYTES ? null : undefined;
    },
  };
}

function parseHead(head: string): ProxiedRequest | null {
  const [first = "", ...lines] = head.split("\r\n");
  const [, method, url] = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(first) ?? [];
  if (method === undefined || url === undefined) return null;
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { method, url, headers };
}
