/**
 * A publish as its bytes: a program that publishes sends the same head again and again, and only the channel's name, the
 * length and the body differ. So a request whose head is that of one which node:http has read, but for the name and the
 * digits of its length, means the same, and need not be parsed. Pure.
 */

import { fieldLines, isPlain, type RequestHead, requestLine } from "./request-text.ts";

/** What stands in a head before the channel's name, between that and the digits of its Content-Length, and after them. */
export interface PublishRequest {
  readonly before: Buffer;
  readonly between: Buffer;
  readonly after: Buffer;
}

/**
 * What the bytes from a place on are. `whole`: the same head but for the name, which is yet to be checked, and all of a body.
 * `part`: it may become that with at least `missing` more bytes. `other`: anything else.
 */
export type Found =
  | { readonly kind: "whole"; readonly name: string; readonly body: Buffer; readonly end: number }
  | { readonly kind: "part"; readonly missing: number }
  | { readonly kind: "other" };

const OTHER: Found = { kind: "other" };
const UNKNOWN: Found = { kind: "part", missing: 1 };
/** Lengths of more digits are another request's. */
const MAX_DIGITS = 9;
/** A longer name is no channel's. */
const MAX_NAME_LENGTH = 128;
const SPACE = 0x20;
const MARK = 0x3f; // ?

/**
 * The head as the usual bytes: no request of another form can be mistaken for it. Undefined for what is not to be repeated:
 * without a length, with an idempotency key, or on a connection that ends.
 */
export function publishRequest(head: RequestHead): PublishRequest | undefined {
  const { method, headers } = head;
  if (method !== "POST" || !isPlain(head) || headers["idempotency-key"] !== undefined) return undefined;
  const line = requestLine(head);
  const [start, name] = /^POST [^? ]*\/channels\/([^/? ]+)/.exec(line) ?? [];
  const fields = `\r\n${fieldLines(head)}`;
  const length = /\r\ncontent-length: (\d{1,9})\r\n/i.exec(fields);
  if (start === undefined || name === undefined || length === null) return undefined;
  const at = length.index + length[0].length - "\r\n".length;
  return {
    before: Buffer.from(start.slice(0, -name.length), "latin1"),
    between: Buffer.from(line.slice(start.length, -2) + fields.slice(0, at - (length[1] as string).length), "latin1"),
    after: Buffer.from(fields.slice(at), "latin1"),
  };
}

/** Whether both are of the same head. */
export function isSame(one: PublishRequest, other: PublishRequest): boolean {
  return one.before.equals(other.before) && one.between.equals(other.between) && one.after.equals(other.after);
}

/**
 * Looks for the request at a place in the bytes.
 * @param maxBytes a longer body is another request's
 */
export function findPublish(request: PublishRequest, bytes: Buffer, at: number, maxBytes: number): Found {
  const { before, between, after } = request;
  if (!agrees(before, bytes, at)) return OTHER;
  const name = at + before.length;
  const nameEnd = endOfName(bytes, name);
  if (nameEnd >= bytes.length) return UNKNOWN;
  const digits = nameEnd + between.length;
  if (nameEnd === name || !agrees(between, bytes, nameEnd)) return OTHER;
  const digitsEnd = endOfDigits(bytes, digits);
  if (digitsEnd >= bytes.length) return UNKNOWN;
  if (digitsEnd === digits || digitsEnd - digits > MAX_DIGITS || !agrees(after, bytes, digitsEnd)) return OTHER;
  const length = Number(bytes.toString("latin1", digits, digitsEnd));
  if (length > maxBytes) return OTHER;
  const body = digitsEnd + after.length;
  const missing = body + length - bytes.length;
  if (missing > 0) return { kind: "part", missing };
  const end = body + length;
  return { kind: "whole", name: bytes.toString("latin1", name, nameEnd), body: bytes.subarray(body, end), end };
}

/** Where the name ends that begins there, or the longest would. */
function endOfName(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && bytes[end] !== SPACE && bytes[end] !== MARK && end - at < MAX_NAME_LENGTH) end += 1;
  return end;
}

function endOfDigits(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.length && isDigit(bytes[end] as number) && end - at <= MAX_DIGITS) end += 1;
  return end;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Whether the bytes from a place on are those, as far as they have come. */
function agrees(wanted: Buffer, bytes: Buffer, at: number): boolean {
  const length = Math.min(wanted.length, bytes.length - at);
  return length <= 0 || wanted.compare(bytes, at, at + length, 0, length) === 0;
}
