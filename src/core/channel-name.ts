/** The grammar of channel names, checked once at the edge; below it a name is a branded string. */

import { TailwireError } from "./errors.ts";

declare const brand: unique symbol;

/** A name that has passed {@link parseChannelName}. */
export type ChannelName = string & { readonly [brand]: "ChannelName" };

/** How many channels one connection may name. */
export const MAX_NAMES = 64;

const NAME = /^[A-Za-z0-9_.:@~-]{1,128}$/;

/**
 * One channel name: 1 to 128 of `A-Z a-z 0-9 _ . : @ ~ -`.
 * @throws {TailwireError} `invalid_channel`
 */
export function parseChannelName(text: string): ChannelName {
  if (typeof text !== "string") throw new TailwireError("invalid_channel", `a channel name is a string, not ${text}`);
  if (NAME.test(text)) return text as ChannelName;
  const why = text.startsWith("$")
    ? "names that begin with $ belong to the system"
    : "a name is 1 to 128 of A-Z a-z 0-9 _ . : @ ~ -";
  throw new TailwireError("invalid_channel", `${quote(text)} is not a channel name: ${why}`);
}

/**
 * One to 64 different channel names.
 * @throws {TailwireError} `invalid_channel`
 */
export function parseChannelNames(texts: readonly string[]): readonly ChannelName[] {
  if (texts.length === 0) throw new TailwireError("invalid_channel", "name at least one channel");
  if (texts.length > MAX_NAMES) {
    throw new TailwireError("invalid_channel", `${texts.length} channels named; at most ${MAX_NAMES} at once`);
  }
  const names = texts.map(parseChannelName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw new TailwireError("invalid_channel", `${quote(twice)} is named twice`);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 140 ? `${text.slice(0, 140)}…` : text);
}
