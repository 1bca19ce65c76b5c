/** What `tailwire serve` was asked for, as the parts of a server take it. */

import type { HandlerOptions, HubSettings, Retention } from "../index.ts";
import { Failure } from "./failure.ts";
import type { StorePlace } from "./store-place.ts";
import { yesOrNo } from "./values.ts";

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly workers: number;
  readonly store: StorePlace;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly flushMs: number;
  readonly heartbeatMs: number;
  readonly maxBufferedBytes: number;
  readonly maxEventBytes: number;
  readonly pages: boolean;
  readonly legacyTransports?: boolean;
  readonly allowOrigin?: readonly string[];
  readonly compression?: boolean;
  readonly maxIframeBytes: number;
  readonly drainMs: number;
  readonly snapshot?: string;
}

export function retention({ maxEvents, maxBytes, maxAgeMs }: ServeOptions): Retention {
  return { maxEvents, maxBytes, maxAgeMs };
}

export function hubSettings({ flushMs, heartbeatMs, maxBufferedBytes, maxEventBytes }: ServeOptions): HubSettings {
  return { flushMs, heartbeatMs, maxBufferedBytes, maxEventBytes };
}

/** @throws {Failure} where the environment says what makes no sense */
export function handlerOptions(options: ServeOptions): HandlerOptions {
  const { path, legacyTransports, allowOrigin = [], maxIframeBytes, compression } = options;
  return {
    path,
    legacyTransports: legacyTransports ?? isSet("TAILWIRE_LEGACY_TRANSPORTS"),
    allowOrigins: allowOrigin,
    maxIframeBytes,
    compression: compression ?? isSet("TAILWIRE_COMPRESSION"),
  };
}

/** @throws {Failure} where the environment says what makes no sense */
export function wantsPages({ pages }: ServeOptions): boolean {
  return pages && !isSet("TAILWIRE_NO_PAGES");
}

/** Not an `env` of its option, for which any value at all would be a yes. */
function isSet(variable: string): boolean {
  const text = process.env[variable] ?? "0";
  const set = yesOrNo(text);
  if (set !== undefined) return set;
  throw new Failure(`${variable} is 1 or 0, not ${JSON.stringify(text)}`, { exitCode: 2 });
}
