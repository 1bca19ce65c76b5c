/**
 * What the reader has said and the channel has not shown yet. A line waits here, below the log, until its event
 * arrives; where it could not be sent it stays, to be sent again. It keeps its idempotency key, so that sending
 * again what did arrive the first time publishes it once.
 */

import { lineElement } from "./chat-list.js";

/**
 * @typedef {{ name: string, text: string }} Said
 * @typedef {"sending" | "sent" | "failed"} Status
 * @typedef {{ said: Said, key: string, id: string, status: Status, item: HTMLLIElement, note: HTMLElement }} Entry
 */

export class Outbox {
  #list;
  #publish;
  #onSent;
  /** @type {Set<Entry>} */
  #entries = new Set();

  /**
   * @param {HTMLElement} list an empty `<ol>`
   * @param {{
   *   publish: (said: Said, key: string) => Promise<string>,
   *   onSent: (id: string) => boolean,
   * }} hooks `publish` tries for a while and gives the id; `onSent` is told it, and answers whether it has arrived
   */
  constructor(list, { publish, onSent }) {
    this.#list = list;
    this.#publish = publish;
    this.#onSent = onSent;
  }

  /** @param {Said} said */
  send(said) {
    const item = lineElement({ ...said, date: undefined });
    item.classList.add("own");
    const note = document.createElement("p");
    note.className = "status";
    note.setAttribute("role", "status");
    item.append(note);
    this.#list.append(item);
    const entry = { said, key: randomKey(), id: "", status: /** @type {Status} */ ("sending"), item, note };
    this.#entries.add(entry);
    void this.#post(entry);
  }

  /**
   * A line has arrived: takes out the entry that it is. Often it is here before the answer to its own POST,
   * so that the id is not known yet and what was said decides.
   *
   * @param {{ id: string, name: string, text: string }} line
   * @returns {boolean} whether the reader had said it
   */
  settle({ id, name, text }) {
    const same = [...this.#entries].filter(({ said }) => said.name === name && said.text === text);
    const entry =
      same.find((one) => one.id === id) ??
      same.find((one) => one.status === "sending") ??
      same.find((one) => one.status === "failed");
    if (entry) this.#remove(entry);
    return entry !== undefined;
  }

  /** @param {Entry} entry */
  async #post(entry) {
    this.#become(entry, "sending");
    try {
      entry.id = await this.#publish(entry.said, entry.key);
      this.#become(entry, "sent");
      if (this.#onSent(entry.id)) this.#remove(entry);
    } catch (error) {
      if (this.#entries.has(entry)) this.#fail(entry, error.code === "unreachable" ? "" : error.message);
    }
  }

  /**
   * @param {Entry} entry
   * @param {string} why in the server's words, or empty where it did not answer
   */
  #fail(entry, why) {
    this.#become(entry, "failed");
    entry.note.append(why ? `not sent: ${why} ` : "not sent ");
    entry.note.append(button("retry", "Try again", () => this.#post(entry)));
    entry.note.append(button("discard", "Remove", () => this.#remove(entry)));
  }

  /**
   * @param {Entry} entry
   * @param {Status} status
   */
  #become(entry, status) {
    entry.status = status;
    entry.item.dataset.status = status;
    entry.note.textContent = status === "sending" ? "sending…" : "";
  }

  /** @param {Entry} entry */
  #remove(entry) {
    this.#entries.delete(entry);
    entry.item.remove();
  }
}

/** Not `crypto.randomUUID`, which plain http on a LAN does not have. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}

/**
 * @param {string} className
 * @param {string} text
 * @param {() => void} act
 */
function button(className, text, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.textContent = text;
  element.addEventListener("click", act);
  return element;
}
