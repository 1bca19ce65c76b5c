/**
 * A channel followed by the browser's own EventSource for as long as the page is open.
 *
 * The browser comes back from a broken connection by itself and names its position in `Last-Event-ID`. What it
 * does not do is done here: it gives up for good on an HTTP error (a 502 while the server restarts), and it waits
 * for ever on a link that died in silence. Both end in a new EventSource from the last position seen.
 *
 * @typedef {{ type: string, id?: string, channel?: string, time?: number, data?: unknown, encoding?: "base64" }} Event
 *   an event of the log, PROTOCOL.md "Messages"
 * @typedef {Event & { lost?: number | null, reason?: string, heartbeatMs?: number, reconnectMs?: number | null }} Message
 *   an event, or a system message (`$open`, `$heartbeat`, `$gap`, `$close`)
 * @typedef {"connecting" | "live" | "reconnecting" | "closed"} State
 */

/** How long to wait for `$open`, and for anything at all where the server promised no heartbeat. */
const SILENCE_MS = 30_000;

const MIN_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

export class Follower {
  #url;
  #from;
  #onMessage;
  #onState;
  /** @type {EventSource | undefined} */
  #source;
  /** @type {State} */
  #state = "connecting";
  #position = "";
  #attempt = 0;
  #silenceMs = SILENCE_MS;
  /** The one timer: until the next attempt, or until silence means that the link is dead. */
  #timer = 0;

  /**
   * @param {string} url of the channel, relative to the page
   * @param {{
   *   from: string,
   *   onMessage: (message: Message) => void,
   *   onState: (state: State, reason?: string) => void,
   * }} options `from` as in the query; `onMessage` gets events and gaps, in order, some perhaps twice
   */
  constructor(url, { from, onMessage, onState }) {
    this.#url = url;
    this.#from = from;
    this.#onMessage = onMessage;
    this.#onState = onState;
    addEventListener("online", () => this.#state !== "live" && this.#reopen());
    addEventListener("pageshow", (event) => event.persisted && this.#reopen());
    this.#reopen();
  }

  #reopen() {
    if (this.#state === "closed") return;
    this.#source?.close();
    const query = new URLSearchParams({ format: "envelope", from: this.#position || this.#from });
    const source = new EventSource(`${this.#url}?${query}`);
    source.onmessage = (event) => this.#receive(event);
    source.onerror = () => this.#broken(source);
    this.#source = source;
    this.#watchSilence();
  }

  /** @param {MessageEvent<string>} event */
  #receive(event) {
    this.#watchSilence();
    if (event.lastEventId) this.#position = event.lastEventId;
    const message = parse(event.data);
    if (message?.type === "$open") this.#opened(message);
    else if (message?.type === "$close") this.#closing(message);
    else if (message && message.type !== "$heartbeat") this.#onMessage(message);
  }

  /** @param {Message} open */
  #opened({ heartbeatMs }) {
    this.#attempt = 0;
    this.#silenceMs = heartbeatMs ? 2 * heartbeatMs + 1_000 : SILENCE_MS;
    this.#become("live");
  }

  /** @param {Message} close */
  #closing({ reconnectMs, reason }) {
    this.#source?.close();
    if (typeof reconnectMs === "number") {
      this.#become("reconnecting");
      this.#after(reconnectMs, () => this.#reopen());
    } else {
      clearTimeout(this.#timer);
      this.#become("closed", reason);
    }
  }

  /** @param {EventSource} source */
  #broken(source) {
    if (this.#state === "live") this.#become("reconnecting");
    if (source.readyState !== EventSource.CLOSED) return; // The browser comes back by itself.
    const backoffMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.#attempt++);
    this.#after(backoffMs * (0.5 + Math.random() / 2), () => this.#reopen());
  }

  #watchSilence() {
    this.#after(this.#silenceMs, () => {
      if (this.#state === "live") this.#become("reconnecting");
      this.#reopen();
    });
  }

  /**
   * @param {number} ms
   * @param {() => void} act
   */
  #after(ms, act) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  /**
   * @param {State} state
   * @param {string} [reason]
   */
  #become(state, reason) {
    this.#state = state;
    this.#onState(state, reason);
  }
}

/**
 * Shows the state of a follower in words; `data-state` is for the style sheet and for tests.
 *
 * @param {HTMLElement} element
 * @returns {(state: State, reason?: string) => void}
 */
export function showStateIn(element) {
  const words = { connecting: "connecting…", live: "live", reconnecting: "reconnecting…", closed: "closed" };
  return (state, reason) => {
    element.dataset.state = state;
    element.textContent = reason ? `${words[state]}: ${reason}` : words[state];
  };
}

/**
 * @param {string} text
 * @returns {Message | undefined} nothing where it is not a message: not this server, or a proxy's own words
 */
function parse(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
