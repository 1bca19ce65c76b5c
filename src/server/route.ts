/** From a request's URL to one of the routes. Pure. */

import { TailwireError } from "../core/errors.ts";

export type Route =
  | { readonly kind: "channels"; readonly names: string; readonly query: URLSearchParams }
  | { readonly kind: "healthz" }
  | { readonly kind: "readyz" };

/**
 * A base path in its one form: beginning and ending with a slash.
 * @throws {TailwireError} `misuse` for what cannot be one
 */
export function parseBase(path: string): string {
  if (/^[\w.~!$&'()*+,;=:@/-]*$/.test(path)) return `/${path.split("/").filter(Boolean).join("/")}/`.replace("//", "/");
  throw new TailwireError("misuse", `path: ${JSON.stringify(path)} is not a URL path`, { parameter: "path" });
}

/** The route of a URL such as `/channels/chat?from=now`; undefined where it is none of ours. */
export function matchRoute(base: string, url: string): Route | undefined {
  // RFC 9112, 3.2.2: a server takes the absolute form too.
  const target = url.startsWith("/") ? url : url.replace(/^https?:\/\/[^/?]*/i, "");
  if (!target.startsWith(base)) return undefined;
  const mark = target.indexOf("?");
  const path = target.slice(base.length, mark < 0 ? undefined : mark);
  if (path === "healthz" || path === "readyz") return { kind: path };
  if (!path.startsWith("channels/")) return undefined;
  const query = new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1));
  return { kind: "channels", names: decode(path.slice("channels/".length)), query };
}

/** What cannot be decoded stays as it is, and is then no channel name. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
