/**
 * An endless HTTP answer as a connection. Its head goes through node:http; after that, where nothing stands
 * between, the shared frames are written straight to the socket, with their chunk framing already on them:
 * that is what makes a write to a thousand subscribers cheap (8.6 to 10 µs each beside 11 to 12.5 for
 * `res.write`). Where nobody else looks at the request, the socket is then taken out of node:http's hands too, which
 * is what makes an idle one small. Behind a wrapper that encodes the content, or for HTTP/1.0, it goes the public way
 * of `res.write`, with plain frames.
 */

import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { CloseCode } from "../../wire/close-codes.ts";
import { type Connection, type ConnectionOwner, NOBODY, type WireEncoding } from "../connection.ts";
import type { Heartbeat } from "../heartbeat.ts";
import { markEndless, whenGone } from "../turns.ts";
import type { Answer } from "./answer.ts";
import type { Framing } from "./framing.ts";
import { type Ending, GzipOut } from "./gzip-out.ts";
import { LimitedOut, type Out } from "./out.ts";
import { endTaken, takeSocket } from "./take-socket.ts";

/** Says that no cache may keep the answer, and no proxy hold it back or change it. */
const HEADERS = {
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
  "X-Content-Type-Options": "nosniff",
} as const;

export interface HttpStreamOptions {
  readonly contentType: string;
  /** Makes the encoding, once it is known how the body is framed. */
  encoding(framing: Framing): WireEncoding;
  readonly headers?: OutgoingHttpHeaders;
  /** Whether the body is in gzip, as the headers say. Not with `maxBytes`. */
  readonly gzip?: boolean;
  /** The bytes after `$open` past which the answer is closed, for the client to come back at once; without end if left out. */
  readonly maxBytes?: number;
}

/** Sends the head at once, and gives the connection. */
export function openHttpStream(answer: Answer, options: HttpStreamOptions): Connection {
  const { req, res, heartbeat, hub } = answer;
  res.socket?.setTimeout(0);
  const own = { "Content-Type": options.contentType, "Tailwire-Cursor": answer.cursor };
  res.writeHead(200, { ...HEADERS, ...own, ...options.headers });
  res.flushHeaders();
  markEndless(req);
  const sealed = new SealedResponse(res);
  const { gzip = false } = options;
  const direct = res.chunkedEncoding && res.socket !== null && (gzip || !res.hasHeader("Content-Encoding"));
  const cut = direct ? "chunked" : "plain";
  const encoding = options.encoding(gzip ? `gzip ${cut}` : cut);
  const whole: Out = direct ? res.socket : sealed;
  const zipped = gzip ? new GzipOut(whole, sealed) : undefined;
  const out = options.maxBytes === undefined ? (zipped ?? whole) : new LimitedOut(whole, options.maxBytes);
  const stream = new HttpStream(zipped ?? sealed, out, encoding, heartbeat, hub.settings.maxBufferedBytes);
  if (out instanceof LimitedOut) out.onFull = () => stream.close(1013, "the page is full", 0);
  const ended = () => stream.ended();
  whenGone(req, res, ended);
  // A limited answer ends soon, and its connection is to serve the next.
  if (direct && answer.server !== undefined && out === res.socket)
    takeSocket(req, res, (socket) => stream.taken(socket, ended));
  return stream;
}

/** A response into which nobody else writes any more, such as a framework's error handler a second answer. */
class SealedResponse implements Out {
  readonly #res: ServerResponse;
  readonly #write: (frame: Uint8Array) => boolean;
  readonly #end: () => unknown;

  constructor(res: ServerResponse) {
    this.#res = res;
    this.#write = res.write;
    this.#end = res.end;
    res.write = dropWrite;
    res.end = dropEnd;
  }

  get writable(): boolean {
    return this.#res.writable;
  }

  get writableLength(): number {
    return this.#res.writableLength;
  }

  get writableNeedDrain(): boolean {
    return this.#res.writableNeedDrain;
  }

  write(frame: Uint8Array): boolean {
    return this.#write.call(this.#res, frame);
  }

  once(event: "drain", listener: () => void): void {
    this.#res.once(event, listener);
  }

  end(): void {
    this.#end.call(this.#res);
  }
}

// One each for all responses, and not a closure of each.
function dropWrite(): boolean {
  return true;
}

function dropEnd(this: ServerResponse): ServerResponse {
  return this;
}

class HttpStream implements Connection {
  readonly encoding: WireEncoding;
  wroteAt: number;
  owner: ConnectionOwner = NOBODY;
  /** What is ended in the end: the answer, or its socket where that was taken out of node:http's hands. */
  #whole: Ending | Socket;
  /** Where frames go: the socket itself, or the response. */
  readonly #out: Out;
  readonly #heartbeat: Heartbeat;
  readonly #maxBufferedBytes: number;
  #state: "open" | "full" | "closed" = "open";

  constructor(whole: Ending, out: Out, encoding: WireEncoding, heartbeat: Heartbeat, maxBufferedBytes: number) {
    this.#whole = whole;
    this.#out = out;
    this.#heartbeat = heartbeat;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.encoding = encoding;
    heartbeat.add(this);
    this.wroteAt = heartbeat.now;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  get halfFull(): boolean {
    return this.#out.writableLength > this.#maxBufferedBytes / 2;
  }

  write(frame: Uint8Array): boolean {
    const out = this.#out;
    if (!out.writable) return false;
    this.wroteAt = this.#heartbeat.now;
    out.write(frame);
    // Below the stream's own high-water mark no drain would be told of, so that bound holds if it is the larger.
    return out.writableLength <= this.#maxBufferedBytes || !out.writableNeedDrain || this.#fill();
  }

  close(code: CloseCode, reason: string, reconnectMs?: number): void {
    if (this.#state === "closed") return;
    this.ended(); // first, for this write may be what fills a limited answer
    const frame = this.encoding.close(this.#heartbeat.closeMessage(code, reason, reconnectMs));
    if (frame !== undefined) this.write(frame);
    if (this.#whole instanceof Socket) endTaken(this.#whole);
    else this.#whole.end();
  }

  /** Its socket is its own now; the response is done with. */
  taken(socket: Socket, ended: () => void): void {
    this.#whole = socket;
    socket.on("close", ended);
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

  /** The link is gone. */
  ended(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#heartbeat.remove(this);
    this.owner.close();
  }
}
