/** The values that options take, from their text. Pure. */

import { InvalidArgumentError } from "commander";

/** A whole number within limits. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const limits = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It is a whole number ${limits}.`);
  };
}

/** A host name or address. */
export function host(text: string): string {
  if (/^[\w.:%-]+$/.test(text)) return text;
  throw new InvalidArgumentError("It is a host name or an IP address, without brackets or a port.");
}

/** A base path in its one form: `/`, or beginning and ending with a slash. */
export function basePath(text: string): string {
  if (!/^[\w.~!$&'()*+,;=:@/-]*$/.test(text)) throw new InvalidArgumentError("It is the path of a URL, such as /push.");
  const parts = text.split("/").filter((part) => part !== "");
  if (parts.some((part) => part === "." || part === ".."))
    throw new InvalidArgumentError("It cannot hold . or .. parts.");
  return parts.length === 0 ? "/" : `/${parts.join("/")}/`;
}

/** Where a server is: its URL, with its base path, without the slash at the end. */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("It is a URL such as http://127.0.0.1:7070.");
  }
  if (url.username !== "" || url.password !== "")
    throw new InvalidArgumentError("It cannot hold a name or a password.");
  if (url.search !== "" || url.hash !== "") throw new InvalidArgumentError("It ends with the path, without ? or #.");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

const FLAGS: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false,
};

/** Yes or no, as environment variables say it; undefined where it is neither. */
export function yesOrNo(text: string): boolean | undefined {
  const word = text.toLowerCase();
  return Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
}
