// One subscriber: what it makes of the bytes that its socket reads.

import { readSequence } from "./event.mjs";
import { SharedStream } from "./shared-stream.mjs";
import { Tally } from "./tally.mjs";

/** @typedef {import("./protocols/index.mjs").Protocol} Protocol */

/** What all subscribers together are to get: once per measured phase. */
export class Phase {
  #missing;
  #onFinished;

  /**
   * @param {{protocol: Protocol, events: number, publishers: number, subscribers: number}} load
   * @param {() => void} onFinished called when the last subscriber has its last event
   * @param {(reason: string) => void} fail
   */
  constructor(load, onFinished, fail) {
    this.tally = new Tally(load.events, load.publishers);
    this.stream = load.protocol.shared ? new SharedStream(load.protocol, this.tally, fail) : undefined;
    this.#missing = load.subscribers;
    this.#onFinished = onFinished;
  }

  /** How many subscribers do not have all events yet. */
  get missing() {
    return this.#missing;
  }

  finishOne() {
    this.#missing--;
    if (this.#missing === 0) this.#onFinished();
  }
}

/**
 * States: `head` (waits for the answer's head), `opening` (waits for the protocol to say it is ready), `alone` (decodes its
 * own bytes), `shared` (compares them with the common stream).
 */
export class Subscriber {
  /** @type {"head" | "opening" | "alone" | "shared"} */
  #state = "head";
  #rest = Buffer.alloc(0);
  #offset = 0;
  #events = 0;
  #finished = false;
  /** @type {Phase | undefined} */
  #phase;
  #protocol;
  #link;

  /**
   * @param {Protocol} protocol
   * @param {{send(bytes: Buffer): void, ready(): void, fail(reason: string): void}} link
   */
  constructor(protocol, link) {
    this.#protocol = protocol;
    this.#link = link;
  }

  /** Whether it decodes its bytes itself. */
  get alone() {
    return this.#state === "alone";
  }

  /**
   * What comes from here on is counted for this phase.
   * @param {Phase} phase
   */
  begin(phase) {
    this.#phase = phase;
    this.#state = phase.stream !== undefined && this.#rest.length === 0 ? "shared" : "alone";
    this.#offset = 0;
    this.#events = 0;
    this.#finished = false;
  }

  /**
   * Takes chunk[0, length), which is overwritten afterwards.
   * @param {Buffer} chunk
   * @param {number} length
   */
  read(chunk, length) {
    if (this.#state === "shared") this.#readShared(chunk, length);
    else if (this.#state === "head") this.#readHead(chunk, length);
    else this.#readAlone(chunk, length);
  }

  /**
   * @param {Buffer} chunk
   * @param {number} length
   */
  #readShared(chunk, length) {
    const stream = this.#phase?.stream;
    if (stream?.matches(this.#offset, chunk, length)) {
      this.#offset += length;
      if (this.#offset >= stream.finish) this.#finish();
      return;
    }
    const resumed = stream?.resumeAt(this.#offset);
    this.#state = "alone";
    this.#events = resumed?.events ?? 0;
    this.#rest = resumed?.rest ?? this.#rest;
    this.#readAlone(chunk, length);
  }

  /**
   * @param {Buffer} chunk
   * @param {number} length
   */
  #readAlone(chunk, length) {
    if (this.#rest.length === 0) {
      const used = this.#protocol.decode(chunk, 0, length, this);
      if (used < length) this.#rest = Buffer.from(chunk.subarray(used, length));
      return;
    }
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
    this.#rest = bytes.subarray(this.#protocol.decode(bytes, 0, bytes.length, this));
  }

  /**
   * @param {Buffer} chunk
   * @param {number} length
   */
  #readHead(chunk, length) {
    const bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
    const end = bytes.indexOf("\r\n\r\n");
    this.#rest = bytes;
    if (end < 0) return;
    const status = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
    if (!status.startsWith(`HTTP/1.1 ${this.#protocol.status} `)) return this.fail(`answered ${status}`);
    this.#state = "opening";
    this.#rest = Buffer.alloc(0);
    if (this.#protocol.readyOnHead) this.ready();
    this.#readAlone(bytes.subarray(end + 4), bytes.length - end - 4);
  }

  #finish() {
    if (this.#finished) return;
    this.#finished = true;
    this.#phase?.finishOne();
  }

  // What the protocol reports:

  /** @type {import("./protocols/index.mjs").Sink["event"]} */
  event(bytes, start, end) {
    if (this.#phase === undefined) return this.fail("an event before the first was published");
    const wrong = this.#phase.tally.check(this.#events, readSequence(bytes, start, end));
    if (wrong !== undefined) return this.fail(wrong);
    this.#events++;
    if (this.#events === this.#phase.tally.expected) this.#finish();
  }

  /** @param {Buffer} bytes */
  send(bytes) {
    this.#link.send(bytes);
  }

  ready() {
    this.#state = "alone";
    this.#link.ready();
  }

  /** @param {string} reason */
  fail(reason) {
    this.#link.fail(reason);
  }
}
