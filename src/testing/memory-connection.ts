/** A connection without a network: what is written to it can be read back, and its peer does what the test says. */

import type { Clock } from "../core/clock.ts";
import { type Connection, type ConnectionOwner, NOBODY, type WireEncoding } from "../server/connection.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import { COMES_BACK } from "../wire/close-codes.ts";
import { encodeItem, type Message, parseMessage, type SystemMessage } from "../wire/message.ts";

export interface MemoryConnectionOptions {
  /** How messages become frames; one JSON message a line, where it is left out. */
  readonly encoding?: WireEncoding;
  /** Bytes not drained past which `write` returns false (without end). */
  readonly capacityBytes?: number;
  /** What `wroteAt` is taken from; where it is left out, `wroteAt` stays 0. */
  readonly clock?: Clock;
}

/**
 * A {@link Connection} in memory:
 *
 *     const connection = new MemoryConnection({ capacityBytes: 1000 });
 *     subscription.begin(connection, fail);
 *     connection.messages;   // what it was sent
 *     connection.drain();    // the peer has read all
 *     connection.cut();      // the peer is gone
 */
export class MemoryConnection implements Connection {
  readonly encoding: WireEncoding;
  /** Every frame that was taken, in order. */
  readonly frames: Uint8Array[] = [];
  /** How it was closed from this side, each time that was asked for. */
  readonly closes: { readonly code: CloseCode; readonly reason: string }[] = [];
  /** What `fail` was called with. */
  readonly failures: unknown[] = [];
  /** The times that `checkPeer` was called with. */
  readonly checks: number[] = [];
  wroteAt = 0;
  owner: ConnectionOwner = NOBODY;
  readonly #capacityBytes: number;
  readonly #clock: Clock | undefined;
  #state: "open" | "full" | "closed" = "open";
  #undrainedBytes = 0;

  constructor({ encoding = LINES, capacityBytes = Number.POSITIVE_INFINITY, clock }: MemoryConnectionOptions = {}) {
    this.encoding = encoding;
    this.#capacityBytes = capacityBytes;
    this.#clock = clock;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  get halfFull(): boolean {
    return this.#undrainedBytes > this.#capacityBytes / 2;
  }

  /** Bytes written since it was last drained. */
  get undrainedBytes(): number {
    return this.#undrainedBytes;
  }

  /** What the frames say, where they hold one JSON message a line. */
  get messages(): readonly Message[] {
    const lines = Buffer.concat(this.frames).toString().split("\n");
    return lines.filter((line) => line !== "").map((line) => parseMessage(line) as Message);
  }

  /** Takes the frame, also when it is full; as a real one, it takes no more once it is closed. */
  write(frame: Uint8Array): boolean {
    if (this.#state === "closed") return false;
    this.frames.push(frame);
    this.#undrainedBytes += frame.byteLength;
    this.wroteAt = this.#clock?.now() ?? 0;
    if (this.#undrainedBytes <= this.#capacityBytes) return true;
    this.#state = "full";
    return false;
  }

  /** The peer has read all: there is room again, and who was told that there is none is told so. */
  drain(): void {
    this.#undrainedBytes = 0;
    if (this.#state !== "full") return;
    this.#state = "open";
    this.owner.drained();
  }

  /** The peer is gone. */
  cut(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.owner.close();
  }

  close(code: CloseCode, reason: string, reconnectMs: number | null = COMES_BACK[code] ? 0 : null): void {
    this.closes.push({ code, reason });
    const frame = this.encoding.close({ type: "$close", code, reason, reconnectMs });
    if (frame !== undefined) this.write(frame);
    this.cut();
  }

  /** As the transports do, it closes with 1011. */
  fail(error: unknown): void {
    this.failures.push(error);
    this.close(1011, "the log could not be read");
  }

  checkPeer(now: number): void {
    this.checks.push(now);
  }
}

const LINES: WireEncoding = {
  key: "memory lines",
  carriesCursor: false,
  encode: (items) => Buffer.from(items.map((item) => `${encodeItem(item)}\n`).join("")),
  open: line,
  heartbeat: line,
  close: line,
};

function line(message: SystemMessage): Uint8Array {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}
