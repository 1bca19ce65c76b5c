/**
 * What went over the wire, as the server saw it. A page is not shown the heads of its own EventSource, WebSocket,
 * scripts and frames; the server watches the requests that carry this page's id, and is asked about them here.
 *
 * @typedef {{ sent: number, received: number }} Traffic the server's bytes, and those of the page
 * @typedef {Traffic & { n: number, open: boolean, request: string, response: string }} Exchange
 *   a request and its answer, with their heads
 * @typedef {Traffic & { requests: number, newest: Exchange }} Panel all exchanges of a transport, and the newest one
 */

/** Not more often than this, and only where something has happened. */
const ASK_MS = 1_000;
/** So late after the first thing that happened, so that what follows at once is in the same answer. */
const SETTLE_MS = 250;

/** Draws the id: 128 bits, so that no other page can name it. Not `randomUUID`, which plain http on a LAN lacks. */
export function newLabId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Wire {
  #url;
  #clock;
  #onNews;
  #version = 0;
  #timer = 0;
  #asking = false;
  #askedAt = 0;
  /** @type {Map<string, Panel>} */
  #panels = new Map();

  /**
   * @param {URL} url with the lab's id
   * @param {import("./lab-delay.js").ServerClock} clock compared with each answer
   * @param {() => void} onNews
   */
  constructor(url, clock, onNews) {
    this.#url = url;
    this.#clock = clock;
    this.#onNews = onNews;
  }

  /** Something has happened: asks soon. */
  nudge() {
    if (this.#timer) return;
    const waitMs = Math.max(SETTLE_MS, this.#askedAt + ASK_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#asking) this.nudge();
      else void this.#ask();
    }, waitMs);
  }

  /**
   * @param {string} label
   * @returns {Panel | undefined} nothing where it has asked for nothing yet
   */
  panel(label) {
    return this.#panels.get(label);
  }

  async #ask() {
    this.#asking = true;
    const askedAt = performance.now();
    this.#askedAt = askedAt;
    this.#url.searchParams.set("after", String(this.#version));
    try {
      const answer = await fetch(this.#url, { cache: "no-store" });
      const answeredAt = performance.now();
      const report = await answer.json();
      this.#clock.compare(askedAt, report.time, answeredAt);
      this.#take(report);
    } catch {
      // The server is away; when it is back, something happens.
    } finally {
      this.#asking = false;
    }
  }

  /** @param {{ version: number, panels: Record<string, Panel> }} report heads are in it only where they are new */
  #take({ version, panels }) {
    this.#version = version;
    for (const [label, news] of Object.entries(panels)) {
      const newest = { ...this.#panels.get(label)?.newest, ...news.newest };
      this.#panels.set(label, { ...news, newest });
    }
    this.#onNews();
  }
}

/** @param {number} bytes */
export function bytesText(bytes) {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  if (bytes < 999_500) return `${(bytes / 1000).toPrecision(3)} kB`;
  return `${(bytes / 1e6).toPrecision(3)} MB`;
}
