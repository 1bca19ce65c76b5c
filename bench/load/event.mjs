// The events of the load: 100 ASCII bytes that begin with a sequence number of fixed width, so that a
// reader finds and checks one without decoding text: "#000123#xxxx…x".

export const EVENT_BYTES = 100;
export const MAX_EVENTS = 1_000_000;

const HASH = 35;
const FILLER = 120;
const DIGITS = 6;

/** @param {number} sequence from 0 to MAX_EVENTS - 1 */
export function makeEvent(sequence) {
  return `#${String(sequence).padStart(DIGITS, "0")}#`.padEnd(EVENT_BYTES, "x");
}

/**
 * The sequence number of the event in bytes[start, end), or -1 where it is not exactly one whole event.
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} end
 */
export function readSequence(bytes, start, end) {
  if (end - start !== EVENT_BYTES || bytes[start] !== HASH || bytes[end - 1] !== FILLER) return -1;
  let sequence = 0;
  for (let at = start + 1; at <= start + DIGITS; at++) sequence = sequence * 10 + (bytes[at] ?? 0) - 48;
  return bytes[start + DIGITS + 1] === HASH ? sequence : -1;
}
