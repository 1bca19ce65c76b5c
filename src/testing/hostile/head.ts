/** The heads of requests and answers on their way through an intermediary, as lists of names and values. */

import type { IncomingMessage } from "node:http";

/** RFC 9110, 7.6.1, and RFC 9112, 6: what is between two neighbours, and not for those behind them. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** What goes on to the server. */
export function requestHeaders(incoming: IncomingMessage, switches: boolean): string[] {
  const headers = endToEnd(incoming);
  if (switches) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  else if (incoming.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked");
  return headers;
}

/** The same list without some names, given in lower case. */
export function without(headers: readonly string[], ...names: readonly string[]): string[] {
  return headers.filter((_, index) => !names.includes((headers[index - (index % 2)] as string).toLowerCase()));
}

/** A request's head, as it came but for what asks for another protocol. */
export function headWithoutUpgrade(incoming: IncomingMessage): string {
  const { method, url, httpVersion, rawHeaders } = incoming;
  const options = list(incoming.headers.connection).filter((option) => !/^(upgrade|http2-settings)$/.test(option));
  const headers = without(rawHeaders, "upgrade", "http2-settings", "connection");
  if (options.length > 0) headers.push("Connection", options.join(", "));
  return headText(`${method} ${url} HTTP/${httpVersion}`, headers);
}

/** A head as it goes over the wire, in Latin-1. */
export function headText(firstLine: string, headers: readonly string[]): string {
  let text = `${firstLine}\r\n`;
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  return `${text}\r\n`;
}

/** Those that are for whoever is at the other end. */
export function endToEnd({ rawHeaders, headers }: IncomingMessage): string[] {
  return without(rawHeaders, ...HOP_BY_HOP, ...list(headers.connection));
}

/** The parts of a list, in lower case. */
function list(value = ""): readonly string[] {
  const parts = value.split(",").map((part) => part.trim().toLowerCase());
  return parts.filter((part) => part !== "");
}
