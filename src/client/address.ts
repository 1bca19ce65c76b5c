/** URLs, and the cursors in them. */

import type { LinkRequest } from "./link.ts";

/**
 * The URL of a subscription.
 * @param query what the transport adds
 */
export function subscribeUrl(
  { base, channels }: Pick<LinkRequest, "base" | "channels">,
  query: Readonly<Record<string, string | undefined>>,
): string {
  return address(base, [...channels.keys()].join(","), { from: fromOf(channels), ...query });
}

/** The URL of channels; parameters that are undefined are left out. */
export function address(base: string, names: string, query: Readonly<Record<string, string | undefined>>): string {
  const known = Object.entries(query).filter(([, value]) => value !== undefined) as [string, string][];
  const search = new URLSearchParams(known).toString();
  return `${base}channels/${names}${search && `?${search}`}`;
}

/** Where to begin, over all channels. */
function fromOf(channels: ReadonlyMap<string, string>): string | undefined {
  const known = [...channels].filter(([, from]) => from !== "now");
  const parts = known.map(([name, from]) => (channels.size === 1 ? from : `${name}=${from}`));
  return parts.join(",") || undefined;
}

/** The positions of a cursor, by channel. With one channel it is the position; with several `name=position,…`. */
export function positionsOf(channels: ReadonlyMap<string, unknown>, cursor: string): ReadonlyMap<string, string> {
  const [only = ""] = channels.keys();
  const parts = channels.size === 1 ? [`${only}=${cursor}`] : cursor.split(",");
  return new Map(parts.map((part) => part.split("=") as [string, string]));
}
