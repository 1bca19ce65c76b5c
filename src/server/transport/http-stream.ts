/**
 * An endless HTTP answer as a connection. Its head goes through node:http; after that, where nothing stands
 * between, the shared frames are written straight to the socket, with their chunk framing already on them:
 * that is what makes a write to a thousand subscribers cheap (8.6 to 10 µs each beside 11 to 12.5 for
 * `res.write`). Behind a response that is still under way (pipelining), a wrapper that encodes the content,
 * or for HTTP/1.0, it goes the public way of `res.write`, with plain frames.
 */

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { CLOSE_CODES, type CloseCode } from "../../wire/close-codes.ts";
import { type Connection, type ConnectionOwner, NOBODY, type WireEncoding } from "../connection.ts";
import type { Heartbeat } from "../heartbeat.ts";
import type { Framing } from "./framing.ts";

/** Says that no cache may keep the answer, and no proxy hold it back or change it. */
const HEADERS = {
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
} as const;

export interface HttpStreamOptions {
  readonly contentType: string;
  readonly cursor: string;
  readonly maxBufferedBytes: number;
  readonly heartbeat: Heartbeat;
  /** Makes the encoding, once it is known how the body is framed. */
  encoding(framing: Framing): WireEncoding;
}

/** Sends the head at once, and gives the connection. */
export function openHttpStream(res: ServerResponse, options: HttpStreamOptions): Connection {
  res.socket?.setTimeout(0);
  res.writeHead(200, { ...HEADERS, "Content-Type": options.contentType, "Tailwire-Cursor": options.cursor });
  res.flushHeaders();
  const direct = res.chunkedEncoding && res.socket !== null && !res.hasHeader("Content-Encoding");
  return new HttpStream(res, direct ? res.socket : res, options, direct ? "chunked" : "plain");
}

class HttpStream implements Connection {
  readonly encoding: WireEncoding;
  wroteAt: number;
  owner: ConnectionOwner = NOBODY;
  readonly #res: ServerResponse;
  /** Where frames go: the socket itself, or the response. */
  readonly #out: Socket | ServerResponse;
  readonly #heartbeat: Heartbeat;
  readonly #maxBufferedBytes: number;
  #state: "open" | "full" | "closed" = "open";

  constructor(res: ServerResponse, out: Socket | ServerResponse, options: HttpStreamOptions, framing: Framing) {
    this.#res = res;
    this.#out = out;
    this.#heartbeat = options.heartbeat;
    this.#maxBufferedBytes = options.maxBufferedBytes;
    this.encoding = options.encoding(framing);
    this.wroteAt = options.heartbeat.now;
    res.on("close", () => this.#ended());
    options.heartbeat.add(this);
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  write(frame: Uint8Array): boolean {
    const out = this.#out;
    if (!out.writable) return false;
    this.wroteAt = this.#heartbeat.now;
    out.write(frame);
    return out.writableLength <= this.#maxBufferedBytes || this.#fill();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state === "closed") return;
    const { comesBack } = CLOSE_CODES[code];
    const frame = this.encoding.close(this.#heartbeat.closeMessage(code, reason, comesBack));
    if (frame !== undefined) this.write(frame);
    this.#res.end();
    this.#ended();
  }

  fail(): void {
    this.close(1011, "the log could not be read");
  }

  /** HTTP has no way to ask the peer; the socket's own end is all there is. */
  checkPeer(): void {}

  #fill(): false {
    if (this.#state === "open") {
      this.#state = "full";
      this.#out.once("drain", () => {
        if (this.#state !== "full") return;
        this.#state = "open";
        this.owner.drained();
      });
    }
    return false;
  }

  #ended(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#heartbeat.remove(this);
    this.owner.close();
  }
}
