/** The heads of requests and answers as text, without what is secret in them. Pure. */

import type { IncomingMessage } from "node:http";

/** What stands in the place of a secret. */
const LEFT_OUT = "(left out)";

/** In the names of fields and parameters; rather one too many than one too few. */
const SECRET = /authorization|cookie|token|secret|password|api-?key/i;
const END = "\r\n\r\n";

/**
 * A request's head as it came: its fields in their order and their spelling. Node keeps all of it but blanks around
 * values and how lines ended, and browsers vary neither.
 */
export function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2)
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${text}\r\n`;
}

/** The head at the beginning of what is written, once it is whole or has `maxBytes`; undefined until then. */
export function headIn(written: string, maxBytes: number): string | undefined {
  const end = written.indexOf(END);
  if (end >= 0) return cut(written.slice(0, end + END.length), maxBytes);
  return written.length < maxBytes ? undefined : cut(written, maxBytes);
}

/** A head to be kept and shown: no cookies, credentials and tokens, and not more than `maxBytes` of it. */
export function shownHead(head: string, maxBytes: number): string {
  return cut(head.split("\r\n").map(withoutSecrets).join("\r\n"), maxBytes);
}

function cut(text: string, maxBytes: number): string {
  return text.length <= maxBytes ? text : `${text.slice(0, maxBytes)}…`;
}

function withoutSecrets(line: string): string {
  const [name = ""] = line.split(":", 1);
  if (!name.includes(" ") && SECRET.test(name)) return `${name}: ${LEFT_OUT}`;
  // In the request's target, and in the fields that repeat one: Referer, Location.
  return line.replace(/([?&;])([^=&;\s]+)=([^&;\s#]*)/g, (parameter, mark, key) =>
    SECRET.test(decoded(key)) ? `${mark}${key}=${LEFT_OUT}` : parameter,
  );
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
