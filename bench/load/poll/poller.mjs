// One long-polling client: it polls again as soon as it is answered, and checks that it gets every event, once, in order.

import { connect } from "node:net";
import { AnswerReader } from "./answers.mjs";

/** load/event.h: sequence number, time, filler. */
const EVENT = /#(\d{7})#\d{19}#(x*)/g;
const EVENT_BYTES = 100;
const FILLER_BYTES = EVENT_BYTES - "#0000000#0000000000000000000#".length;

/**
 * The sequence numbers of the events in an answer. Throws where one is not whole.
 * @param {string} body
 */
export function sequencesIn(body) {
  return Array.from(body.matchAll(EVENT), ([event, sequence, filler = ""]) => {
    if (filler.length !== FILLER_BYTES) throw new Error(`an event is damaged: ${event}`);
    return Number(sequence);
  });
}

export class Poller {
  #poll;
  #watcher;
  #socket;
  #reader = new AnswerReader();
  #parked = false;
  #expected = 0;
  #got = 0;

  /**
   * @param {number} port
   * @param {import("./protocols.mjs").Poll} poll
   * @param {{parked(): void, finished(): void, failed(reason: string): void}} watcher
   */
  constructor(port, poll, watcher) {
    this.#poll = poll;
    this.#watcher = watcher;
    this.#socket = connect(port, "127.0.0.1").setNoDelay().setEncoding("latin1");
    this.#socket.on("data", (text) => this.#attempt(() => this.#read(String(text))));
    this.#socket.on("error", ({ message }) => watcher.failed(message));
    this.#socket.on("end", () => watcher.failed("the server closed a connection"));
    this.#socket.once("connect", () => this.#ask());
  }

  /**
   * From now on: events 0 to `events` - 1 of one publisher.
   * @param {number} events
   */
  expect(events) {
    this.#expected = events;
    this.#got = 0;
  }

  get isFinished() {
    return this.#got === this.#expected;
  }

  /** @param {() => void} action */
  #attempt(action) {
    try {
      action();
    } catch (error) {
      this.#watcher.failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} text */
  #read(text) {
    const answer = this.#reader.read(text);
    if (answer === undefined) return;
    this.#take(sequencesIn(answer.body));
    this.#ask(answer);
  }

  /** @param {number[]} sequences */
  #take(sequences) {
    for (const sequence of sequences) {
      if (sequence !== this.#got) throw new Error(`event #${sequence} where #${this.#got} was to come`);
      if (++this.#got > this.#expected) throw new Error(`event #${sequence}: more than were published`);
      if (this.isFinished) this.#watcher.finished();
    }
  }

  /** @param {import("./protocols.mjs").Answer} [answer] */
  #ask(answer) {
    const { request, parks } = this.#poll(answer);
    this.#socket.write(request, "latin1");
    if (!parks || this.#parked) return;
    this.#parked = true;
    this.#watcher.parked();
  }
}
