/** One transport on the page: its switch, its state, what it hears and what that costs. */

import { dataText } from "./event-text.js";
import { Delays, delayText, msText } from "./lab-delay.js";
import { HeadsView, setText } from "./lab-heads-view.js";
import { Runner } from "./lab-runner.js";
import { Timeline } from "./lab-timeline.js";
import { Track } from "./lab-track.js";
import { bytesText } from "./lab-wire.js";

/**
 * @typedef {import("./lab-runner.js").Message} Message
 * @typedef {import("./lab-runner.js").State} State
 * @typedef {{ open: import("./lab-runner.js").Open, restMs: number, waits: boolean, holds: boolean,
 *   off?: (url: URL) => Promise<string> }} Transport
 *   `holds`: it takes one of the browser's six connections for as long as it runs. `off`: asks why it is of no use
 * @typedef {{
 *   cursor: string,
 *   url: (label?: string) => URL,
 *   cut: (label: string, cut: boolean) => Promise<void>,
 *   wire: import("./lab-wire.js").Wire,
 *   clock: import("./lab-delay.js").ServerClock,
 *   publisher: import("./lab-publisher.js").Publisher,
 *   changed: () => void,
 *   failed: (error: unknown) => void,
 * }} Lab `url` is the channel's
 */

const MAX_EVENTS = 50;

/** Later than this, an event has waited for its transport to come back, or for its next request. */
const LATE_MS = 1_000;

/** @type {Record<State, string>} */
const WORDS = {
  off: "off",
  connecting: "connecting…",
  waiting: "waiting",
  live: "live",
  silent: "silent",
  lost: "lost",
  refused: "off",
};

export class Panel {
  /** @type {string} */
  label;
  holds;
  #article;
  #lab;
  #transport;
  #runner;
  #track;
  #timeline;
  #heads;
  #delays = new Delays();
  #cut = false;
  #why = "";

  /**
   * @param {HTMLElement} article
   * @param {Transport} transport
   * @param {Lab} lab
   */
  constructor(article, transport, lab) {
    this.label = article.id;
    this.holds = transport.holds;
    this.#article = article;
    article.dataset.state = "off";
    this.#transport = transport;
    this.#lab = lab;
    const more = this.#find(".more");
    more.before(copyOf("live"));
    more.append(copyOf("seen"));
    if (this.label.startsWith("websocket")) more.append(copyOf("handshake"));
    this.#timeline = new Timeline(this.#find(".timeline"));
    this.#heads = new HeadsView(this.#find(".heads"), article.querySelector(".handshake") ?? undefined);
    this.#track = new Track(lab.cursor, (message) => lab.publisher.ownNumber(message));
    this.#runner = new Runner(transport, () => this.#url(), this.#watcher());
    this.#listen();
  }

  get runs() {
    return this.#runner.state !== "off" && this.#runner.state !== "refused";
  }

  get isCut() {
    return this.#cut;
  }

  /** The transport's name, as people call it. */
  get name() {
    return (this.#find("h2").textContent ?? "").trim();
  }

  /** Makes it run, unless the server does not have it; then says so. */
  async start() {
    this.#switch.checked = true;
    const why = await this.#whyOff();
    if (why) this.#switch.checked = false;
    if (why) this.#show("refused", why);
    else if (this.#switch.checked) this.#runner.start();
    this.#lab.changed();
  }

  stop() {
    this.#runner.stop();
    this.#lab.changed();
  }

  /** @param {boolean} cut */
  async cut(cut) {
    await this.#lab.cut(this.label, cut);
    this.#cut = cut;
    if (cut) this.#timeline.cut(performance.now());
    else this.#timeline.released(performance.now());
    this.#nameCutButton();
    this.#show(this.#runner.state, this.#why);
    if (!cut) this.#runner.hurry();
  }

  /** @param {number} at */
  published(at) {
    if (this.runs) this.#timeline.published(at);
  }

  /** @param {number} now */
  draw(now) {
    this.#timeline.draw(now);
  }

  /** Shows what the server has counted. */
  showWire() {
    const panel = this.#lab.wire.panel(this.label);
    if (!panel) return;
    const { requests, sent, received, newest } = panel;
    const { events } = this.#track;
    this.#set(".requests", `${requests} ${requests === 1 ? "request" : "requests"}`);
    this.#set(".down", `↓ ${bytesText(sent)}`);
    this.#set(".up", `↑ ${bytesText(received)}`);
    this.#set(".each", events ? `${bytesText((sent + received) / events)} each` : "");
    this.#heads.show(newest);
  }

  get #switch() {
    return /** @type {HTMLInputElement} */ (this.#find("h2 input"));
  }

  get #cutButton() {
    return /** @type {HTMLButtonElement} */ (this.#find(".cut-one"));
  }

  /** What the buttons say stands nine times on the page. */
  #nameCutButton() {
    this.#cutButton.textContent = this.#cut ? "Let back" : "Cut";
    this.#cutButton.setAttribute("aria-label", `${this.#cutButton.textContent}: ${this.name}`);
  }

  #listen() {
    this.#switch.disabled = false;
    this.#nameCutButton();
    this.#switch.addEventListener("change", () => {
      if (this.#switch.checked) void this.start();
      else this.stop();
    });
    this.#cutButton.addEventListener("click", () => void this.cut(!this.#cut).catch(this.#lab.failed));
    const unfold = this.#find(".unfold");
    const more = this.#find(".more");
    more.hidden = true;
    more.id = `${this.label}-more`;
    unfold.setAttribute("aria-controls", more.id);
    unfold.setAttribute("aria-label", `Details: ${this.name}`);
    unfold.addEventListener("click", () => {
      more.hidden = !more.hidden;
      unfold.setAttribute("aria-expanded", String(!more.hidden));
    });
  }

  async #whyOff() {
    try {
      return (await this.#transport.off?.(this.#lab.url())) ?? "";
    } catch {
      return ""; // No answer at all: that is for the runner to find.
    }
  }

  #url() {
    const url = this.#lab.url(this.label);
    url.searchParams.set("from", this.#track.cursor);
    return url;
  }

  /** @returns {import("./lab-runner.js").Watcher} */
  #watcher() {
    const soon = () => this.#lab.wire.nudge();
    return {
      state: (state, why) => this.#show(state, why),
      began: () => {
        this.#timeline.began(performance.now());
        soon();
      },
      opened: () => {
        this.#timeline.opened(performance.now());
        soon();
      },
      received: (message) => {
        this.#receive(message, performance.now());
        soon();
      },
      ended: (broken) => {
        this.#timeline.ended(performance.now(), broken);
        soon();
      },
    };
  }

  /**
   * @param {Message} message
   * @param {number} at
   */
  #receive(message, at) {
    const isNew = this.#track.take(message);
    if (message.type === "$gap") this.#list(gapItem(message));
    if (isNew) {
      const delay = this.#delayOf(message, at);
      if (delay) this.#delays.add(delay);
      this.#timeline.event(at);
      this.#list(eventItem(message, delay));
    } else this.#timeline.message(at);
    this.#showCounts();
  }

  /**
   * @param {Message} message
   * @param {number} at
   */
  #delayOf(message, at) {
    const published = this.#lab.publisher.timeOf(message);
    if (published !== undefined) return { ms: at - published, errorMs: 0 };
    return message.time === undefined ? undefined : this.#lab.clock.delay(message.time, at);
  }

  #showCounts() {
    const { events, lost, lostMore, twice } = this.#track;
    const { last, median } = this.#delays;
    this.#set(".delay", last ? delayText(last) : "–");
    this.#set(".median", last ? `median ${msText(median)}` : "");
    this.#set(".count", `${events} ${events === 1 ? "event" : "events"}`);
    const lostText = `${lost || "some"} ${lost && lostMore ? "and more " : ""}lost`;
    const faults = [lost || lostMore ? lostText : "", twice ? `${twice} twice, dropped` : ""];
    this.#set(".whole", faults.filter(Boolean).join(", ") || "✓ none lost");
    this.#find(".whole").dataset.whole = String(!lost && !lostMore);
  }

  /** @param {HTMLElement} item */
  #list(item) {
    const list = this.#find(".events");
    list.prepend(item);
    if (list.children.length > MAX_EVENTS) list.lastElementChild?.remove();
  }

  /**
   * @param {State} state
   * @param {string} why
   */
  #show(state, why) {
    this.#why = why;
    const shown = this.#cut && state !== "off" && state !== "refused" ? "cut" : state;
    this.#article.dataset.state = shown;
    const element = this.#find(".state");
    element.dataset.state = shown;
    const word = shown === "cut" ? "cut" : WORDS[state];
    setText(element, why ? `${word}: ${why}` : word);
    this.#cutButton.disabled = !this.#cut && (state === "off" || state === "refused");
    this.#lab.changed();
  }

  /**
   * @param {string} selector
   * @param {string} text
   */
  #set(selector, text) {
    setText(this.#find(selector), text);
  }

  /** @param {string} selector */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#article.querySelector(selector));
  }
}

/**
 * @param {Message} event
 * @param {import("./lab-delay.js").Delay | undefined} delay
 */
function eventItem(event, delay) {
  const item = document.createElement("li");
  item.dataset.id = event.id ?? "";
  item.classList.toggle("late", delay !== undefined && delay.ms >= LATE_MS);
  const offset = event.id?.split(":")[1];
  item.append(span("offset", offset ? `#${offset}` : ""), span("data", textOf(event)));
  item.append(span("delay", delay ? delayText(delay) : ""));
  item.title = event.id ?? "without a position";
  return item;
}

/** @param {Message} gap */
function gapItem({ lost, reason }) {
  const item = document.createElement("li");
  item.className = "gap";
  item.textContent = `$gap: ${lost ?? "some"} lost (${reason})`;
  return item;
}

const MAX_CHARACTERS = 120;

/**
 * The data of an event; of this page's own, what the reader wrote or else its number.
 *
 * @param {Message} event
 */
function textOf(event) {
  const { data } = event;
  const own = typeof data === "object" && data !== null && "by" in data && "n" in data;
  if (!own) return dataText(event).slice(0, MAX_CHARACTERS);
  return "text" in data ? String(data.text) : `event ${data.n}`;
}

/**
 * @param {string} className
 * @param {string} text
 */
function span(className, text) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

/** @param {string} id of a template */
function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return document.importNode(template.content, true);
}
