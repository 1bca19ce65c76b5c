/** Problem details for HTTP answers (RFC 9457): every error of the server has this one shape. */

import type { ErrorCode, TailwireError } from "../core/errors.ts";

/** The members of an `application/problem+json` body. */
export interface Problem {
  readonly type: "about:blank";
  /** The HTTP status in words. */
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  /** The query parameter or header at fault. */
  readonly parameter?: string;
  /** NDJSON: the line at fault, counted from 1. */
  readonly line?: number;
  /** NDJSON: how many events were published before the fault, and the ids of the first and the last. */
  readonly count?: number;
  readonly first?: string;
  readonly last?: string;
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_channel: 400,
  invalid_parameter: 400,
  invalid_cursor: 400,
  invalid_data: 400,
  invalid_message: 400,
  invalid_handshake: 400,
  transport_disabled: 403,
  origin_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  event_too_large: 413,
  unsupported_media_type: 415,
  upgrade_required: 426,
  misuse: 500,
  internal: 500,
  not_supported: 501,
  protocol_error: 502,
  shutting_down: 503,
  store_unavailable: 503,
  unreachable: 504,
};

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  426: "Upgrade Required",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** An error as a problem; `more` adds members such as the line of an NDJSON body. */
export function problemOf(
  error: TailwireError,
  more: Pick<Problem, "line" | "count" | "first" | "last"> = {},
): Problem {
  const status = STATUS[error.code];
  return {
    type: "about:blank",
    title: TITLES[status] ?? "Error",
    status,
    code: error.code,
    detail: error.message,
    ...(error.parameter === undefined ? {} : { parameter: error.parameter }),
    ...more,
  };
}
