/**
 * Publishes numbered events, and remembers when, so that their delay can be told by the page's own clock.
 *
 * @typedef {import("./lab-runner.js").Message} Message
 */

import { tellIfStalled } from "./lab-stall.js";

/** Events of which it is remembered when they were published. */
const MAX_REMEMBERED = 2_000;

/** With so many unanswered no more are sent by themselves. */
const MAX_PENDING = 3;

export class Publisher {
  #url;
  #onPublish;
  #onProblem;
  /** What tells this page's events from those of others. */
  #tag = Math.random().toString(36).slice(2, 6).padEnd(4, "0");
  #number = 0;
  #pending = 0;
  /** @type {Map<number, number>} */
  #times = new Map();

  /**
   * @param {URL} url of the channel
   * @param {(at: number) => void} onPublish told when something is published, by `performance.now()`
   * @param {(problem: string) => void} onProblem told what went wrong, and with an empty text that all is well again
   */
  constructor(url, onPublish, onProblem) {
    this.#url = url;
    this.#onPublish = onPublish;
    this.#onProblem = onProblem;
  }

  /** Whether so many publishes wait for their answer that another would only wait too. */
  get busy() {
    return this.#pending >= MAX_PENDING;
  }

  /**
   * @param {number} count of events, in one request
   * @param {string} [text] that goes with them
   */
  async publish(count, text) {
    const at = performance.now();
    const events = Array.from({ length: count }, () => this.#event(at, text));
    this.#onPublish(at);
    this.#pending += 1;
    try {
      await tellIfStalled(send(this.#url, events), this.#onProblem);
      if (this.#pending === 1) this.#onProblem("");
    } catch (error) {
      this.#onProblem(`Not published: ${error instanceof Error ? error.message : error}`);
    } finally {
      this.#pending -= 1;
    }
  }

  /**
   * @param {Message} message
   * @returns {number | undefined} the number of an event that this page has published
   */
  ownNumber({ data }) {
    if (typeof data !== "object" || data === null || !("by" in data) || !("n" in data)) return undefined;
    return data.by === this.#tag && typeof data.n === "number" ? data.n : undefined;
  }

  /**
   * @param {Message} message
   * @returns {number | undefined} when it was published here, by `performance.now()`
   */
  timeOf(message) {
    const number = this.ownNumber(message);
    return number === undefined ? undefined : this.#times.get(number);
  }

  /**
   * @param {number} at
   * @param {string} [text]
   */
  #event(at, text) {
    this.#number += 1;
    this.#times.set(this.#number, at);
    this.#times.delete(this.#number - MAX_REMEMBERED);
    return { n: this.#number, by: this.#tag, ...(text && { text }) };
  }
}

/**
 * @param {URL} url
 * @param {unknown[]} events
 */
async function send(url, events) {
  const several = events.length > 1;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": several ? "application/x-ndjson" : "application/json" },
    body: events.map((event) => JSON.stringify(event)).join("\n"),
  });
  if (answer.ok) return;
  const problem = await answer.json().catch(() => undefined);
  throw new Error(problem?.detail ?? `the server answered ${answer.status}`);
}
