/**
 * One line of the chat, read from whatever event the channel holds.
 *
 * @typedef {{ id: string, name: string, text: string, date: Date | undefined }} ChatLine
 */

import { dataText, dateOf } from "./event-text.js";

/** Names longer than this are cut; the name field takes no more either. */
const MAX_NAME_CHARACTERS = 40;

const NAMELESS = "anonymous";

/**
 * `{"name": …, "text": …}` is what the page publishes. All else is shown as its data, from nobody in particular,
 * so that `curl -d hello` works.
 *
 * @param {import("./event-text.js").Event} event
 * @returns {ChatLine}
 */
export function chatLine(event) {
  const said = saidIn(event.data);
  return {
    id: event.id,
    name: said?.name || NAMELESS,
    text: said?.text ?? dataText(event),
    date: dateOf(event),
  };
}

/**
 * @param {unknown} data
 * @returns {{ name: string, text: string } | undefined}
 */
function saidIn(data) {
  if (typeof data !== "object" || data === null || !("text" in data) || typeof data.text !== "string") return undefined;
  const name = "name" in data && typeof data.name === "string" ? data.name : "";
  return { name: name.trim().slice(0, MAX_NAME_CHARACTERS), text: data.text };
}
