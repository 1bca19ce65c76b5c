// The bytes that the subscribers of one channel have in common, kept and decoded once.
//
//   bytes   ████████████████████████████      what the furthest subscriber has read
//   A            ▲ at                         A's next chunk is compared with what follows `at` (a memcmp)
//   B                                ▲ at     B is the furthest: its next chunk is compared as far as there is
//                                             something to compare with, and the rest is appended and decoded
//
// So a subscriber that gets what another got costs a comparison and no parsing: that is what lets one thread check
// every byte of a million deliveries a second. One whose bytes differ (other chunk boundaries, say) goes on by itself
// from the last mark before the difference, with the check of Tally alone.

import { readSequence } from "./event.mjs";

/** @typedef {import("./protocols/index.mjs").Protocol} Protocol */

export class SharedStream {
  #bytes = Buffer.allocUnsafe(1 << 20);
  #length = 0;
  #decoded = 0;
  #events = 0;
  #finish = Number.POSITIVE_INFINITY;
  /** Where whole messages ended, and how many events lay before it. */
  #marks = [{ offset: 0, events: 0 }];
  #protocol;
  #tally;
  #sink;

  /**
   * @param {Protocol} protocol
   * @param {import("./tally.mjs").Tally} tally
   * @param {(reason: string) => void} fail
   */
  constructor(protocol, tally, fail) {
    this.#protocol = protocol;
    this.#tally = tally;
    this.#sink = {
      /** @type {import("./protocols/index.mjs").Sink["event"]} */
      event: (bytes, start, end) => {
        const wrong = tally.check(this.#events, readSequence(bytes, start, end));
        if (wrong !== undefined) fail(wrong);
        this.#events++;
      },
      // Pings are for silence, and under load there is none: a server that sends them all the same gets no answer here.
      send() {},
      ready() {},
      fail,
    };
  }

  /** The offset at which a subscriber has all expected events. */
  get finish() {
    return this.#finish;
  }

  /**
   * Whether chunk[0, length) is what stands at `offset`; what goes beyond the known bytes makes them longer.
   * @param {number} offset
   * @param {Buffer} chunk
   * @param {number} length
   */
  matches(offset, chunk, length) {
    const known = Math.min(length, this.#length - offset);
    if (known > 0 && this.#bytes.compare(chunk, 0, known, offset, offset + known) !== 0) return false;
    if (known < length) this.#append(chunk.subarray(known, length));
    return true;
  }

  /**
   * Where somebody who has read up to `offset` can go on by themselves: the events counted so far, and the bytes read
   * since.
   * @param {number} offset
   */
  resumeAt(offset) {
    const mark = this.#marks.findLast((candidate) => candidate.offset <= offset) ?? { offset: 0, events: 0 };
    return { events: mark.events, rest: Buffer.from(this.#bytes.subarray(mark.offset, offset)) };
  }

  /** @param {Buffer} chunk */
  #append(chunk) {
    if (this.#length + chunk.length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(2 * (this.#bytes.length + chunk.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length += chunk.length;
    this.#decoded = this.#protocol.decode(this.#bytes, this.#decoded, this.#length, this.#sink);
    this.#marks.push({ offset: this.#decoded, events: this.#events });
    if (this.#events >= this.#tally.expected) this.#finish = Math.min(this.#finish, this.#decoded);
  }
}
