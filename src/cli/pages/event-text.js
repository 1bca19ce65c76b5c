/**
 * What an event or a gap says, as plain text. Anybody may publish anything to an open channel, so nothing is
 * taken for granted here, and what is made is only ever set as `textContent`.
 *
 * @typedef {import("../../client/index.ts").ReceivedEvent} Event
 * @typedef {import("../../client/index.ts").ReceivedGap} Gap
 * @typedef {{ type: string, id?: string, channel?: string, time?: number, data?: unknown, encoding?: "base64",
 *   lost?: number | null, reason?: string, heartbeatMs?: number, reconnectMs?: number | null }} Message
 *   any message, as the wire has it: PROTOCOL.md, "Messages"
 */

const MAX_SHOWN_CHARACTERS = 2_000;
const MAX_SHOWN_LINES = 30;

/**
 * The data of an event: text as it is, JSON as JSON, binary by its size.
 *
 * @param {{ data?: unknown, encoding?: "base64" }} event the client's, or a message as the wire has it
 * @returns {string}
 */
export function dataText({ data, encoding }) {
  if (data instanceof Uint8Array) return `binary, ${data.byteLength} bytes`;
  if (encoding === "base64") return `binary, ${base64Bytes(String(data))} bytes`;
  return typeof data === "string" ? data : (JSON.stringify(data) ?? "");
}

/**
 * @param {Gap} gap
 * @returns {string} one line for the reader
 */
export function gapText({ lost, reason }) {
  if (lost === 1) return "1 message is no longer kept";
  if (typeof lost === "number") return `${lost} messages are no longer kept`;
  return reason === "epoch"
    ? "The channel began anew: what was said in between is gone"
    : "Some messages are no longer kept";
}

/**
 * The beginning of a text, where it is too long to be shown whole at once.
 *
 * @param {string} text
 * @returns {string} the same text where it is short enough
 */
export function beginning(text) {
  const lines = text.split("\n", MAX_SHOWN_LINES).join("\n");
  if (lines.length <= MAX_SHOWN_CHARACTERS) return lines;
  const splitsPair = /[\uD800-\uDBFF]/.test(lines.charAt(MAX_SHOWN_CHARACTERS - 1));
  return lines.slice(0, MAX_SHOWN_CHARACTERS - (splitsPair ? 1 : 0));
}

/**
 * @param {Event} event
 * @returns {Date | undefined} nothing where the event has no time that a calendar knows
 */
export function dateOf({ time }) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/**
 * A `<time>` that shows hour and minute (and, where asked, the second), with the whole date to be read on hover.
 *
 * @param {Date} date
 * @param {{ seconds?: boolean }} [options]
 */
export function timeElement(date, { seconds = false } = {}) {
  const element = document.createElement("time");
  element.dateTime = date.toISOString();
  element.title = date.toLocaleString();
  element.textContent = date.toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds && { second: "2-digit" }),
  });
  return element;
}

/** @param {string} base64 */
function base64Bytes(base64) {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}
