// What the tests feed the load generator: events, and the bytes in which servers send them. All is text, a character a byte.

import { spawnSync } from "node:child_process";
import { buildLoad } from "../harness/build.mjs";
import { bytes } from "../harness/children.mjs";

export const EVENT_BYTES = 100;

/**
 * An event as load/event.h has it.
 * @param {number} sequence
 * @param {number} [time] of its publish
 */
export function event(sequence, time = 1) {
  return `#${String(sequence).padStart(7, "0")}#${String(time).padStart(19, "0")}#`.padEnd(EVENT_BYTES, "x");
}

/**
 * Events as SSE, in one HTTP chunk.
 * @param {number[]} sequences
 */
export function sseChunk(...sequences) {
  return chunk(sequences.map((sequence) => `data: ${event(sequence)}\nid: x7f3k2:${sequence + 1}\n\n`).join(""));
}

/** @param {string} text */
export function chunk(text) {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/**
 * A server's text frame (RFC 6455, 5.2).
 * @param {string} payload
 */
export function frame(payload) {
  const { length } = payload;
  const size = length < 126 ? [length] : [126, length >> 8, length & 255];
  return String.fromCharCode(0x81, ...size) + payload;
}

/**
 * What load/check.c answers to these commands.
 * @param {(string | number)[][]} commands
 * @returns {any[]}
 */
export function check(commands) {
  const input = commands.map((words) => `${words.join(" ")}\n`).join("");
  const { stdout, status } = spawnSync(buildLoad("check"), { input, encoding: "latin1", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`check ended with ${status}`);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** @typedef {{channels?: number, subscribers?: number, events?: number, publishers?: number}} Expected subscribers of each channel */

/**
 * The command that expects these.
 * @param {Expected} load
 */
export function expecting({ channels = 1, subscribers = 1, events = 1, publishers = 1 }) {
  return ["expect", channels, subscribers, events, publishers, EVENT_BYTES];
}

/**
 * The command with which a subscriber reads this.
 * @param {number} subscriber
 * @param {string} text
 */
export function reading(subscriber, text) {
  return ["read", subscriber, bytes(text)];
}
