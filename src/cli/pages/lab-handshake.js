/** How a WebSocket's handshake is proved (RFC 6455, 1.3 and 4.2.2), step by step, with the values of a real one. */

import { sha1 } from "./lab-sha1.js";

/** RFC 6455, 1.3: what no server sends by accident. */
export const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * @param {string} request its head
 * @param {string} response
 * @returns {{ key: string, random: string, joined: string, digest: string, accept: string, answered: string } | undefined}
 *   `random` and `digest` as bytes in hexadecimal; nothing where there is no key or no answer
 */
export function handshakeIn(request, response) {
  const key = field(request, "Sec-WebSocket-Key");
  const answered = field(response, "Sec-WebSocket-Accept");
  if (!key || !answered) return undefined;
  const joined = key + GUID;
  const digest = sha1(new TextEncoder().encode(joined));
  const accept = btoa(String.fromCharCode(...digest));
  const random = hex(Uint8Array.from(atob(key), (character) => character.charCodeAt(0)));
  return { key, random, joined, digest: hex(digest), accept, answered };
}

/**
 * @param {string} head
 * @param {string} name
 */
function field(head, name) {
  const found = head.split("\r\n").find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return found?.slice(name.length + 1).trim();
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
