/** The URL of a subscription. */

import type { LinkRequest } from "../link.ts";

/** @param query what the transport adds; undefined is left out */
export function subscribeUrl(
  { base, channels }: Pick<LinkRequest, "base" | "channels">,
  query: Readonly<Record<string, string | undefined>>,
): string {
  const from = fromOf(channels);
  const parts = Object.entries({ from: from === "now" ? undefined : from, ...query }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `${base}channels/${[...channels.keys()].join(",")}?${parts.join("&")}`;
}

/** Where to begin, over all channels. */
export function fromOf(channels: ReadonlyMap<string, string>): string {
  const [[, only = "now"] = []] = channels;
  if (channels.size === 1) return only;
  const parts = [...channels].flatMap(([name, from]) => (from === "now" ? [] : [`${name}=${from}`]));
  return parts.join(",") || "now";
}

/** The header that a token goes in. */
export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}
