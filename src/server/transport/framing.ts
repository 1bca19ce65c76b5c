/** From the text of a frame to the bytes that go on the socket. */

import { GZIP_HEAD } from "../../wire/gzip.ts";
import { chunkText } from "./chunk.ts";
import { frameGzip } from "./gzip-frame.ts";

/**
 * How an HTTP body is cut: `chunked` with the chunk's length and CRLFs already on it, or as it is. Each with gzip, too,
 * in pieces that fit into the stream of every client.
 */
export type Framing = "chunked" | "plain" | "gzip chunked" | "gzip plain";

/** A frame's bytes. Made once for all the sockets that they are written to. */
export function frameText(text: string, framing: Framing): Buffer {
  if (framing === "plain") return Buffer.from(text);
  if (framing === "chunked") return chunkText(text);
  return frameGzip([], text, framing === "gzip chunked");
}

/** The same for the frame that an answer begins with: gzip has a head there. */
export function frameFirst(text: string, framing: Framing): Buffer {
  if (framing === "plain" || framing === "chunked") return frameText(text, framing);
  return frameGzip([GZIP_HEAD], text, framing === "gzip chunked");
}
