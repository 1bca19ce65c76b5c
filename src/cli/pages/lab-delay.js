/**
 * How long events took to come here.
 *
 * An event of this page is timed by the page's own clock, from the moment at which it was published, so its way up to
 * the server is in it. Of any other only the server's time is known; its clock is compared with the page's over the
 * quickest request so far, and what that request took bounds how far the comparison can be wrong.
 *
 * @typedef {import("./lab-runner.js").Message} Message
 * @typedef {{ ms: number, errorMs: number }} Delay `errorMs` is 0 for the page's own events
 */

const MAX_SAMPLES = 50;

export class ServerClock {
  /** What to take from a time of the server to have it by the page's clock. */
  #aheadMs = 0;
  #errorMs = Number.POSITIVE_INFINITY;

  /**
   * Compares the clocks over a request.
   *
   * @param {number} askedAt by `performance.now()`
   * @param {number} serverTime in its answer
   * @param {number} answeredAt
   */
  compare(askedAt, serverTime, answeredAt) {
    const errorMs = (answeredAt - askedAt) / 2;
    if (errorMs > this.#errorMs) return;
    this.#errorMs = errorMs;
    this.#aheadMs = serverTime - (askedAt + errorMs);
  }

  /**
   * @param {number} time of an event, by the server
   * @param {number} arrivedAt by `performance.now()`
   * @returns {Delay | undefined} nothing while the clocks have not been compared
   */
  delay(time, arrivedAt) {
    if (!Number.isFinite(this.#errorMs)) return undefined;
    return { ms: Math.max(0, arrivedAt - (time - this.#aheadMs)), errorMs: this.#errorMs };
  }
}

/** The delays of one transport: the last one, and the one in the middle. */
export class Delays {
  /** @type {number[]} */
  #samples = [];
  /** @type {Delay | undefined} */
  last;

  /** @param {Delay} delay */
  add(delay) {
    this.last = delay;
    this.#samples.push(delay.ms);
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** The median of the last fifty, in milliseconds. */
  get median() {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  }
}

/** @param {number} ms */
export function msText(ms) {
  if (ms < 1) return "<1 ms";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {Delay} delay */
export function delayText({ ms, errorMs }) {
  return errorMs ? `≈${msText(ms)} ±${Math.ceil(errorMs)}` : msText(ms);
}
