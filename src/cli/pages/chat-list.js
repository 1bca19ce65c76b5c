/** The lines of the chat as the reader sees them: in the log's order, grouped by who said them, divided by days. */

import { beginning, timeElement } from "./event-text.js";

/** @typedef {import("./chat-line.js").ChatLine} ChatLine */

/** More than this leave at the top, so that a page left open for weeks stays as quick as on its first day. */
const MAX_LINES = 500;

/** A line that follows another of the same sender sooner than this does not repeat the name. */
const GROUP_MS = 5 * 60_000;

export class ChatList {
  #list;
  /** @type {Set<string>} */
  #ids = new Set();
  /**
   * The last line and whose it was; nothing after a note or a new day.
   * @type {(ChatLine & { own: boolean }) | undefined}
   */
  #last;
  #day = "";

  /** @param {HTMLElement} list an empty `<ol>` */
  constructor(list) {
    this.#list = list;
  }

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /**
   * @param {ChatLine} line
   * @param {boolean} own whether the reader said it
   */
  append(line, own) {
    this.#turnDay(line.date);
    const item = lineElement(line);
    item.dataset.id = line.id;
    item.classList.toggle("own", own);
    item.classList.toggle("continued", this.#continues(line, own));
    this.#list.append(item);
    this.#ids.add(line.id);
    this.#last = { ...line, own };
    this.#dropOldest();
  }

  /**
   * A line of the page's own, such as what was lost.
   *
   * @param {string} text
   * @param {string} kind its class
   */
  note(text, kind) {
    const item = document.createElement("li");
    item.className = `note ${kind}`;
    item.textContent = text;
    this.#list.append(item);
    this.#last = undefined;
    this.#dropOldest();
  }

  /** @param {Date | undefined} date */
  #turnDay(date) {
    const day = date?.toDateString();
    if (!date || !day || day === this.#day) return;
    this.#day = day;
    this.note(dayName(date), "day");
  }

  /**
   * @param {ChatLine} line
   * @param {boolean} own
   */
  #continues(line, own) {
    const last = this.#last;
    if (!last?.date || !line.date || last.name !== line.name || last.own !== own) return false;
    return line.date.getTime() - last.date.getTime() < GROUP_MS;
  }

  #dropOldest() {
    while (this.#list.children.length > MAX_LINES) {
      const [first, second] = this.#list.children;
      // The day at the top stays as long as it has lines below it.
      const keepsDay = first?.matches(".day") && second && !second.matches(".day");
      const oldest = /** @type {HTMLElement} */ (keepsDay ? second : first);
      oldest.nextElementSibling?.classList.remove("continued");
      this.#ids.delete(oldest.dataset.id ?? "");
      oldest.remove();
    }
  }
}

/**
 * @param {{ name: string, text: string, date: Date | undefined }} line
 * @returns {HTMLLIElement}
 */
export function lineElement({ name, text, date }) {
  const item = document.createElement("li");
  item.className = "line";
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.dir = "auto";
  bubble.append(textElement(text));
  if (date) bubble.append(" ", timeElement(date));
  item.append(nameElement(name), bubble);
  return item;
}

/**
 * `<bdi>`, so that a name in a right-to-left script, or with a direction override in it, stays within itself.
 *
 * @param {string} name
 */
function nameElement(name) {
  const element = document.createElement("bdi");
  element.className = "name";
  element.textContent = name;
  return element;
}

/**
 * The text, or the beginning of it and a button for the rest.
 *
 * @param {string} text
 */
function textElement(text) {
  const element = document.createElement("span");
  element.className = "text";
  const start = beginning(text);
  element.textContent = start;
  if (start.length < text.length) element.append("…", restButton(element, text));
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function restButton(element, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "rest";
  button.textContent = `show all ${text.length.toLocaleString()} characters`;
  button.addEventListener("click", () => {
    element.textContent = text;
  });
  return button;
}

/** @param {Date} date */
function dayName(date) {
  const today = new Date();
  if (date.toDateString() === today.toDateString()) return "Today";
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === yesterday.toDateString()) return "Yesterday";
  const year = date.getFullYear() === today.getFullYear() ? {} : { year: /** @type {const} */ ("numeric") };
  return date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", ...year });
}
