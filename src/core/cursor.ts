/**
 * Where a client is over all its channels. With one channel a cursor is the position itself; with several
 * it is `name=epoch:offset` joined by commas, which no channel name can be mistaken for.
 */

import type { ChannelName } from "./channel-name.ts";
import { TailwireError } from "./errors.ts";
import { formatPosition, type Position, parsePosition } from "./position.ts";

/** A position for each channel, in the order the client named them. */
export type Cursor = ReadonlyMap<ChannelName, Position>;

/** Where to begin in one channel. */
export type From =
  | { readonly kind: "now" }
  | { readonly kind: "earliest" }
  | { readonly kind: "last"; readonly count: number }
  | { readonly kind: "after"; readonly position: Position };

const NOW: From = { kind: "now" };
const EARLIEST: From = { kind: "earliest" };
const LAST = /^-([1-9][0-9]{0,8})$/;

/** Writes a cursor. */
export function formatCursor(cursor: Cursor): string {
  if (cursor.size === 1) {
    for (const position of cursor.values()) return formatPosition(position);
  }
  let text = "";
  for (const [channel, position] of cursor) {
    text += `${text === "" ? "" : ","}${channel}=${formatPosition(position)}`;
  }
  return text;
}

/**
 * Reads where to begin in each of the channels: `now`, `earliest`, `-N` or a cursor. A cursor may have one of these
 * words in place of a position, as in `chat=-50,news=x7f3k2:42`. A channel that it does not name begins at `now`.
 * @param parameter what to name in the error: `from`, or the header that it came in
 * @throws {TailwireError} `invalid_parameter`
 */
export function parseFrom(
  text: string,
  channels: readonly ChannelName[],
  parameter = "from",
): ReadonlyMap<ChannelName, From> {
  if (typeof text !== "string") throw unreadable(String(text), channels, parameter);
  const everywhere = channels.length === 1 ? parsePlace(text) : parseWord(text);
  if (everywhere !== undefined) return new Map(channels.map((channel) => [channel, everywhere]));
  const named = new Map<ChannelName, From>(channels.map((channel) => [channel, NOW]));
  const seen = new Set<string>();
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const channel = part.slice(0, Math.max(equals, 0)) as ChannelName;
    const from = parsePlace(part.slice(equals + 1));
    if (from === undefined || !named.has(channel) || seen.has(channel)) throw unreadable(text, channels, parameter);
    seen.add(channel);
    named.set(channel, from);
  }
  return named;
}

function parsePlace(text: string): From | undefined {
  const position = parsePosition(text);
  return position === undefined ? parseWord(text) : { kind: "after", position };
}

function parseWord(text: string): From | undefined {
  if (text === "now") return NOW;
  if (text === "earliest") return EARLIEST;
  const last = LAST.exec(text);
  return last === null ? undefined : { kind: "last", count: Number(last[1]) };
}

function unreadable(text: string, channels: readonly ChannelName[], parameter: string): TailwireError {
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
  const cursor = channels.length === 1 ? "epoch:offset" : `${channels[0]}=epoch:offset,…, naming these channels only`;
  return new TailwireError(
    "invalid_parameter",
    `${parameter}: ${shown} is none of now, earliest, -N (the last N events) or a cursor (${cursor})`,
    { parameter },
  );
}
