/** A network that compresses what was never meant to be: an accelerator, a CDN, a server's own middleware. */

import type { IncomingMessage } from "node:http";
import { createGzip } from "node:zlib";
import { type Exchange, passOn } from "./exchange.ts";
import { startGateway } from "./gateway.ts";
import { endToEnd, without } from "./head.ts";
import type { HostileNetwork, NetworkOptions } from "./network.ts";

/**
 * Compresses each answer to a client that accepts gzip, without a flush before its end: bytes come out when the
 * compressor has a block full, some ten kilobytes at a time. It does not care for `Cache-Control: no-transform`.
 */
export function gzipBuffering(options: NetworkOptions = {}): HostileNetwork {
  return {
    name: "compresses without a flush",
    start: (upstream) => startGateway(upstream, { answer: compress }, options),
  };
}

function compress(answer: IncomingMessage, exchange: Exchange): void {
  if (!fits(answer, exchange)) {
    passOn(answer, exchange);
    return;
  }
  exchange.tally.faults += 1;
  const headers = without(endToEnd(answer), "content-length", "accept-ranges", "etag");
  headers.push("Content-Encoding", "gzip", "Vary", "Accept-Encoding");
  const { etag } = answer.headers;
  // RFC 9110, 8.8.3.3: other bytes may not have the same strong validator.
  if (etag !== undefined) headers.push("ETag", etag.startsWith("W/") ? etag : `W/${etag}`);
  passOn(answer, exchange, { stage: { stream: createGzip() }, headers, head: "with-body" });
}

function fits({ headers, statusCode = 0 }: IncomingMessage, { request }: Exchange): boolean {
  if (request.method === "HEAD" || statusCode === 204 || statusCode === 206 || statusCode === 304) return false;
  return headers["content-encoding"] === undefined && acceptsGzip(String(request.headers["accept-encoding"] ?? ""));
}

/** RFC 9110, 12.5.3. */
function acceptsGzip(accepted: string): boolean {
  const codings = new Map<string, boolean>();
  for (const part of accepted.toLowerCase().split(",")) {
    const [coding = "", ...parameters] = part.split(";").map((each) => each.trim());
    codings.set(coding, !parameters.some((each) => /^q=0(\.0*)?$/.test(each)));
  }
  return codings.get("gzip") ?? codings.get("*") ?? false;
}
