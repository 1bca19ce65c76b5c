/** A request's head as the bytes that it came in, where those have the usual form. Pure. */

import type { IncomingMessage } from "node:http";

/** What a head is made of. */
export type RequestHead = Pick<IncomingMessage, "method" | "url" | "httpVersion" | "headers" | "rawHeaders">;

/** The request line, a character a byte. */
export function requestLine({ method, url, httpVersion }: RequestHead): string {
  return `${method} ${url} HTTP/${httpVersion}\r\n`;
}

/** The fields, and the empty line that ends the head. */
export function fieldLines({ rawHeaders }: RequestHead): string {
  let text = "";
  for (let index = 0; index < rawHeaders.length; index += 2)
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${text}\r\n`;
}

/** How many bytes the head has in its usual form. */
export function headLength({ method = "", url = "", httpVersion, rawHeaders }: RequestHead): number {
  // The request line has two spaces and `HTTP/`, each field a colon, a space and a line's end.
  let length = method.length + url.length + httpVersion.length + 7 + 2 * CRLF_LENGTH;
  for (const part of rawHeaders) length += part.length + 2;
  return length;
}

const CRLF_LENGTH = 2;

/** Whether a connection goes on after the request, and nothing is asked for beside its answer. */
export function isPlain({ httpVersion, headers }: RequestHead): boolean {
  if (httpVersion !== "1.1" || headers["transfer-encoding"] !== undefined) return false;
  if (headers.expect !== undefined || headers.upgrade !== undefined) return false;
  return headers.connection === undefined || headers.connection.toLowerCase() === "keep-alive";
}
