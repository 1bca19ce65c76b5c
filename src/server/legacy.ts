/**
 * What pages of other sites may do by scripts and frames, which carry the visitor's cookies to this server without
 * asking it first, as a browser would before `fetch`. So all of it is off unless the handler is told otherwise, and a
 * frame speaks only to origins that were named.
 */

import { TailwireError } from "../core/errors.ts";
import { isCallback } from "../wire/jsonp.ts";
import { unfit } from "./parameters.ts";

export interface LegacyOptions {
  /**
   * Serves the transports `jsonp`, `iframe` and `iframe-poll`, and lets scripts publish with GET (false). Scripts carry
   * cookies across sites: turn it on only where any site may do what its visitor may.
   */
  readonly legacyTransports?: boolean;
  /** Origins whose pages may have a frame of this server, beside those on its own host. */
  readonly allowOrigins?: readonly string[];
  /** The bytes past which a page of the transport `iframe` ends, for its client to load the next (1 MiB). */
  readonly maxIframeBytes?: number;
}

/** The options, checked. */
export interface Legacy {
  readonly on: boolean;
  readonly allowOrigins: ReadonlySet<string>;
  readonly maxIframeBytes: number;
}

const MAX_IFRAME_BYTES = 1024 * 1024;

/** Scheme, host and port as a browser writes them, and no character that means anything in a header, HTML or a script. */
const ORIGIN = /^https?:\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d+)?$/;

/**
 * Checks the options.
 * @throws {TailwireError} `misuse`
 */
export function readLegacyOptions(options: LegacyOptions): Legacy {
  const { legacyTransports = false, allowOrigins = [], maxIframeBytes = MAX_IFRAME_BYTES } = options;
  for (const text of allowOrigins) {
    if (!isOrigin(text)) throw misuse("allowOrigins", `${JSON.stringify(text)} is no origin: ${HOW}`);
  }
  if (!Number.isSafeInteger(maxIframeBytes) || maxIframeBytes < 1) {
    throw misuse("maxIframeBytes", `it is a number of bytes from 1, not ${maxIframeBytes}`);
  }
  return { on: legacyTransports, allowOrigins: new Set(allowOrigins), maxIframeBytes };
}

/** @throws {TailwireError} `transport_disabled` */
export function requireLegacy({ on }: Legacy, what: string): void {
  if (on) return;
  throw new TailwireError(
    "transport_disabled",
    `${what} is off here (legacyTransports): scripts carry cookies across sites`,
  );
}

/**
 * The function that a script is to call.
 * @throws {TailwireError} `invalid_parameter`
 */
export function readCallback(query: URLSearchParams): string {
  const callback = query.get("callback");
  if (callback === null) throw unfit("callback", "the script calls a function, which is not named");
  if (isCallback(callback)) return callback;
  throw unfit("callback", "it is a function's name, or up to five names with dots between, of at most 64 characters");
}

/** Where a request came in. */
export interface OwnAddress {
  /** The header. */
  readonly host: string | undefined;
  /** Whether over TLS. A proxy may have ended that before, so where not, nothing is known. */
  readonly secure: boolean;
}

/**
 * The origin that a frame may speak to: one on the server's own host, or one that is allowed.
 * @throws {TailwireError} `invalid_parameter`, `origin_not_allowed`
 */
export function readOrigin(query: URLSearchParams, address: OwnAddress, { allowOrigins }: Legacy): string {
  const origin = query.get("origin");
  if (origin === null) throw unfit("origin", "the page that the frame is in is not named");
  if (!isOrigin(origin)) throw unfit("origin", HOW);
  if (allowOrigins.has(origin) || isOwn(origin, address)) return origin;
  throw new TailwireError(
    "origin_not_allowed",
    `pages of ${origin} may not have a frame of this server (allowOrigins)`,
  );
}

const HOW = "it is one origin as a browser writes it, such as https://app.example, and without a path";

function isOrigin(text: string): boolean {
  return ORIGIN.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

function isOwn(origin: string, { host, secure }: OwnAddress): boolean {
  const scheme = secure ? "https" : origin.slice(0, origin.indexOf(":"));
  const own = `${scheme}://${host}`;
  return host !== undefined && URL.canParse(own) && new URL(own).origin === origin;
}

function misuse(parameter: string, why: string): TailwireError {
  return new TailwireError("misuse", `${parameter}: ${why}`, { parameter });
}
