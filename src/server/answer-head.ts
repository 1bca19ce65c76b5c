/** The head of an answer as node:http would write it, for answers that go past it. */

import { type OutgoingHttpHeaders, STATUS_CODES } from "node:http";

/**
 * The bytes before the body, a character a byte.
 * @param now milliseconds since 1970
 * @param keepAliveMs how long the connection lives on when it is idle; undefined where it ends with the answer
 */
export function answerHead(
  status: number,
  headers: OutgoingHttpHeaders,
  now: number,
  keepAliveMs: number | undefined,
): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return `${head}Date: ${dateOf(now)}\r\n${connectionOf(keepAliveMs)}\r\n`;
}

function connectionOf(keepAliveMs: number | undefined): string {
  if (keepAliveMs === undefined) return "Connection: close\r\n";
  const seconds = Math.floor(keepAliveMs / 1000);
  return seconds > 0 ? `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n` : "Connection: keep-alive\r\n";
}

// Written once a second.
let dateSecond = Number.NaN;
let date = "";

function dateOf(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = new Date(now).toUTCString();
  }
  return date;
}
