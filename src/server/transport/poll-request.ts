/**
 * A poll as its bytes: a client that polls asks the same again and again, and only its cursor differs. So a request whose
 * bytes are those of one that node:http has read, but for the cursor, means the same, and need not be parsed. Pure.
 */

import { fieldLines, isPlain, type RequestHead, requestLine } from "../request-text.ts";

/** What stands before a poll's cursor and after it, a character a byte. */
export interface PollRequest {
  readonly before: string;
  readonly after: string;
  /** Whether the cursor stands in the URL. */
  readonly inUrl: boolean;
  /** Whether it came percent-encoded. */
  readonly isEncoded: boolean;
  /** The whole request with the cursor that was thought likely last. */
  likely: { readonly cursor: string; readonly bytes: Buffer } | undefined;
}

/** A cursor, also percent-encoded; whoever writes it otherwise is served, but not as quickly. */
const CURSOR = /^[\w.~:,=%-]{1,4096}$/;

/**
 * The request as the usual bytes: no request of another form can be mistaken for it. Undefined for what is not to be
 * repeated: without a cursor, with a body, or on a connection that ends.
 */
export function pollRequest(head: RequestHead): PollRequest | undefined {
  const { method, headers } = head;
  if (method !== "GET" || !isPlain(head)) return undefined;
  if (headers["content-length"] !== undefined || headers["last-event-id"] !== undefined) return undefined;
  return headers["if-none-match"] === undefined ? cutUrl(head) : cutTag(head);
}

/**
 * The cursor of a request that is the same but for it; undefined for any other bytes.
 * @param likely what it most likely is: that takes 0.06 µs to see where others asked so before, and 0.4 µs to find out
 */
export function cursorIn(request: PollRequest, bytes: Buffer, likely?: string): string | undefined {
  if (likely !== undefined && bytes.equals(bytesWith(request, likely))) return likely;
  const { before, after, inUrl } = request;
  const text = bytes.toString("latin1");
  if (!text.startsWith(before) || !text.endsWith(after)) return undefined;
  const cursor = text.slice(before.length, text.length - after.length);
  if (text.length <= before.length + after.length || !CURSOR.test(cursor)) return undefined;
  return inUrl ? decode(cursor) : cursor;
}

function bytesWith(request: PollRequest, cursor: string): Buffer {
  if (request.likely?.cursor === cursor) return request.likely.bytes;
  const { before, after, isEncoded } = request;
  const bytes = Buffer.from(before + (isEncoded ? encodeURIComponent(cursor) : cursor) + after, "latin1");
  request.likely = { cursor, bytes };
  return bytes;
}

function cutUrl(head: RequestHead): PollRequest | undefined {
  const line = requestLine(head);
  const found = /[?&]from=([^&\s]+)/.exec(line);
  if (found === null || !CURSOR.test(found[1] as string)) return undefined;
  return cut(line + fieldLines(head), found.index + "?from=".length, found[1] as string, true);
}

function cutTag(head: RequestHead): PollRequest | undefined {
  const line = requestLine(head);
  const text = fieldLines(head);
  const found = /\r\n(if-none-match: ")([^"\r]+)"\r\n/i.exec(`\r\n${text}`);
  if (found === null || !CURSOR.test(found[2] as string)) return undefined;
  return cut(line + text, line.length + found.index + (found[1] as string).length, found[2] as string, false);
}

function cut(text: string, at: number, cursor: string, inUrl: boolean): PollRequest {
  const isEncoded = inUrl && cursor.includes("%");
  return { before: text.slice(0, at), after: text.slice(at + cursor.length), inUrl, isEncoded, likely: undefined };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
