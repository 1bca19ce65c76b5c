/**
 * Keeps one transport going: opens it, comes back where it ends, always from the cursor. What differs between the
 * transports is in their own files, each with one function.
 *
 *     off ── start ──> connecting ──> live <──> silent ──> lost ──> live …
 *                            └── waiting ──┘       any ──> refused (for good), any ── stop ──> off
 *
 * @typedef {{ type: string, id?: string, channel?: string, time?: number, data?: unknown, encoding?: "base64",
 *   next?: string, lost?: number | null, reason?: string, heartbeatMs?: number, reconnectMs?: number | null }} Message
 *   an event, or a message of the system: PROTOCOL.md, "Messages"
 * @typedef {{ why: string, final?: boolean }} Fault why it ended; `final` where coming back is of no use
 * @typedef {{
 *   opened: () => void,
 *   received: (message: Message) => void,
 *   interrupted: (why: string) => void,
 *   ended: (fault?: Fault) => void,
 * }} Handlers
 *   `opened`: the answer has begun. `interrupted`: the connection broke, and the browser brings it back by itself.
 *   `ended`: it is over, as it should be or with a fault. After that, and after `close`, nothing is heard any more
 * @typedef {(url: URL, handlers: Handlers) => () => void} Open
 *   one connection over one transport, to a channel's URL with `from` and `lab` in its query; gives what closes it
 * @typedef {"off" | "connecting" | "waiting" | "live" | "silent" | "lost" | "refused"} State
 *   `waiting`: asked, with no answer yet, where that is how it should be. `silent`: the heartbeat is overdue
 * @typedef {{
 *   state: (state: State, why: string) => void,
 *   began: () => void,
 *   opened: () => void,
 *   received: (message: Message) => void,
 *   ended: (broken: boolean) => void,
 * }} Watcher
 */

/** The time to come back after a fault. */
const COME_BACK_MS = 1_000;

/** A request that has not failed for so long is taken to wait at the server. */
const WAITING_MS = 300;

/** Later than any answer should begin, a long poll's too. */
const NO_ANSWER_MS = 40_000;

/** So much later than promised a heartbeat is overdue. */
const OVERDUE_MS = 1_500;

export class Runner {
  #open;
  #url;
  #restMs;
  #waits;
  #watcher;
  /** @type {State} */
  #state = "off";
  /** Closes the connection that there is. */
  #close = () => {};
  /** Whether a request is under way, and whether its answer has begun. */
  #request = /** @type {"none" | "asked" | "answered"} */ ("none");
  /** The one of all connections that is listened to. */
  #turn = 0;
  #timer = 0;
  /** Until an answer is too late, and then until a heartbeat is. */
  #silenceTimer = 0;
  /** What `$open` promised; 0 where nothing was. */
  #heartbeatMs = 0;
  /** @type {number | null | undefined} what `$close` said */
  #reconnectMs;

  /**
   * @param {{ open: Open, restMs: number, waits: boolean }} transport `restMs` passes between an answer and the next
   *   request; `waits` where the answer may stay out for long
   * @param {() => URL} url of a channel, from where the next connection begins
   * @param {Watcher} watcher
   */
  constructor({ open, restMs, waits }, url, watcher) {
    this.#open = open;
    this.#restMs = restMs;
    this.#waits = waits;
    this.#url = url;
    this.#watcher = watcher;
  }

  get state() {
    return this.#state;
  }

  start() {
    if (this.#state !== "off" && this.#state !== "refused") return;
    this.#become("connecting");
    this.#connect();
  }

  stop() {
    if (this.#state === "off") return;
    this.#drop(false);
    this.#become("off");
  }

  /** Comes back at once, where it would have waited. */
  hurry() {
    if (this.#state === "lost" && this.#request === "none" && this.#timer) this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#turn += 1;
    const turn = this.#turn;
    /** @type {<Args extends unknown[]>(listen: (...args: Args) => void) => (...args: Args) => void} */
    const inTurn =
      (listen) =>
      (...args) => {
        if (turn === this.#turn) listen(...args);
      };
    this.#reconnectMs = undefined;
    this.#ask();
    if (this.#waits) this.#timer = setTimeout(() => this.#become("waiting"), WAITING_MS);
    this.#close = this.#open(this.#url(), {
      opened: inTurn(() => this.#opened()),
      received: inTurn((message) => this.#received(message)),
      interrupted: inTurn((why) => this.#interrupted(why)),
      ended: inTurn((fault) => this.#ended(fault)),
    });
  }

  #ask() {
    this.#request = "asked";
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => this.#ended({ why: "no answer" }), NO_ANSWER_MS);
    this.#watcher.began();
  }

  #opened() {
    if (this.#request === "none") this.#ask(); // The browser has come back without a word.
    if (this.#request === "answered") return;
    clearTimeout(this.#timer);
    clearTimeout(this.#silenceTimer);
    this.#request = "answered";
    this.#watcher.opened();
    this.#become("live");
  }

  /** @param {Message} message */
  #received(message) {
    this.#opened(); // Not every transport says so before.
    if (message.type === "$close") this.#reconnectMs = message.reconnectMs;
    if (message.type === "$open") this.#heartbeatMs = message.heartbeatMs ?? 0;
    this.#watchSilence();
    this.#watcher.received(message);
    if (this.#reconnectMs === null) this.#refuse(message.reason ?? "the server closed it");
  }

  /** A link may die without a word; then it is what does not come that tells. */
  #watchSilence() {
    clearTimeout(this.#silenceTimer);
    if (!this.#heartbeatMs) return;
    if (this.#state === "silent") this.#become("live");
    const ms = this.#heartbeatMs;
    this.#silenceTimer = setTimeout(() => {
      this.#become("silent");
      const why = `silent for ${Math.round((2 * ms) / 1000)} s`;
      this.#silenceTimer = setTimeout(() => this.#ended({ why }), Math.max(0, ms - OVERDUE_MS));
    }, ms + OVERDUE_MS);
  }

  /** @param {string} why */
  #interrupted(why) {
    clearTimeout(this.#silenceTimer);
    if (this.#request !== "none") this.#watcher.ended(true);
    this.#request = "none";
    this.#become("lost", why);
  }

  /** @param {Fault} [reported] */
  #ended(reported) {
    const heard = this.#request === "answered";
    const fault = this.#reconnectMs === undefined ? reported : undefined; // It was announced.
    this.#drop(fault !== undefined);
    if (fault?.final) this.#become("refused", fault.why);
    else if (fault) this.#become("lost", fault.why);
    if (fault?.final) return;
    const restMs = fault || !heard ? COME_BACK_MS : this.#restMs;
    this.#timer = setTimeout(() => this.#connect(), this.#reconnectMs ?? restMs);
  }

  /** @param {string} why */
  #refuse(why) {
    this.#drop(false);
    this.#become("refused", why);
  }

  /** @param {boolean} broken */
  #drop(broken) {
    clearTimeout(this.#timer);
    clearTimeout(this.#silenceTimer);
    this.#timer = 0;
    this.#heartbeatMs = 0;
    this.#turn += 1;
    const close = this.#close;
    this.#close = () => {};
    close();
    if (this.#request !== "none") this.#watcher.ended(broken);
    this.#request = "none";
  }

  /**
   * @param {State} state
   * @param {string} [why]
   */
  #become(state, why = "") {
    this.#state = state;
    this.#watcher.state(state, why);
  }
}
