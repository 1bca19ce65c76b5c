/**
 * One request of the transport lab and its answer, seen at the socket: both heads, and how many bytes went each way.
 * What was counted is what the socket counts, HTTP's own framing included and TCP's not.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { headIn, requestHead, shownHead } from "./lab-heads.ts";

/** More of a head than this is not kept. */
export const MAX_HEAD_BYTES = 4096;

/** The count of bytes: from the server and from the page. */
export interface Traffic {
  readonly sent: number;
  readonly received: number;
}

export class Exchange {
  readonly request: string;
  /** The answer's head; empty until it is out. */
  response = "";
  readonly #onChange: () => void;
  #received: number;
  #sent = 0;
  #socket: Socket | undefined;
  #over = false;
  /** What the socket had counted before. */
  #writtenBefore = 0;
  #readBefore: number | undefined;

  /** @param onChange told when the answer's head is out, and at the end */
  constructor(req: IncomingMessage, onChange: () => void) {
    const head = requestHead(req);
    this.request = shownHead(head, MAX_HEAD_BYTES);
    this.#received = head.length + (Number(req.headers["content-length"]) || 0);
    this.#onChange = onChange;
  }

  /** Whether it is under way, or waits for its turn. */
  get open(): boolean {
    return !this.#over;
  }

  get traffic(): Traffic {
    const socket = this.#socket;
    if (socket === undefined) return { sent: this.#sent, received: this.#received };
    const read = this.#readBefore === undefined ? 0 : socket.bytesRead - this.#readBefore;
    return { sent: socket.bytesWritten - this.#writtenBefore, received: this.#received + read };
  }

  /** Watches an answer over HTTP, as soon as it has the connection: behind another answer it waits for its turn. */
  watchAnswer(req: IncomingMessage, res: ServerResponse): void {
    res.once("close", () => this.#end());
    if (res.socket !== null) {
      this.#watch(res.socket);
      return;
    }
    res.once("socket", (socket) => this.#watch(socket));
    req.socket.once("close", () => this.#end()); // Of that an answer which waits is not told.
  }

  /**
   * Watches a connection that leaves HTTP: from now on all that is read belongs to it.
   * @param first the bytes after the request's head that have been read with it
   */
  watchUpgrade(socket: Socket, first: Buffer): void {
    this.#watch(socket);
    this.#received += first.byteLength;
    this.#readBefore = socket.bytesRead;
    socket.once("close", () => this.#end());
  }

  /** Breaks the connection off, as a network would. */
  cut(): void {
    this.#socket?.destroy();
  }

  #watch(socket: Socket): void {
    this.#socket = socket;
    this.#writtenBefore = socket.bytesWritten;
    let written = "";
    tapWrites(socket, (bytes) => {
      written += bytes;
      const head = headIn(written, MAX_HEAD_BYTES);
      if (head === undefined) return "more";
      this.response = shownHead(head, MAX_HEAD_BYTES);
      this.#onChange();
      return "enough";
    });
  }

  #end(): void {
    if (this.#over) return;
    const { sent, received } = this.traffic;
    this.#sent = sent;
    this.#received = received;
    if (this.#socket !== undefined) untap(this.#socket);
    this.#socket = undefined;
    this.#over = true;
    this.#onChange();
  }
}

/** Sees what is written to a socket until it has seen enough. It looks on: every write goes its way as it came. */
function tapWrites(socket: Socket, see: (bytes: string) => "more" | "enough"): void {
  untap(socket);
  const { write } = socket;
  socket.write = (...args: unknown[]): boolean => {
    if (see(latin1(args[0], args[1])) === "enough") untap(socket);
    return Reflect.apply(write, socket, args);
  };
}

function untap(socket: Partial<Pick<Socket, "write">>): void {
  delete socket.write; // what it has of its kind comes to light again
}

function latin1(chunk: unknown, encoding: unknown): string {
  if (typeof chunk !== "string") return Buffer.from(chunk as Uint8Array).toString("latin1");
  return Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8").toString("latin1");
}
