/** Short HTTP answers: JSON, problems, nothing. Never a second one behind a head that is out. */

import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { TailwireError } from "../core/errors.ts";
import { type Problem, problemOf } from "../wire/problem.ts";

/** Of a script, which no browser may take for anything else, and which pages of other sites are meant to load. */
export const SCRIPT_HEADERS = {
  "Content-Type": "application/javascript; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "cross-origin",
} as const;

/** RFC 9110, 10.2.3: seconds after which what was refused for the time being may be tried again. */
const RETRY_AFTER_S = 1;

/** Answers with JSON. */
export function respondJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  respond(res, status, { "Content-Type": "application/json", ...headers }, `${JSON.stringify(value)}\n`);
}

/** An answer, before it is written; see {@link wholeHeaders}. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

/** An error as problem details (RFC 9457); what is no TailwireError is `internal`, without its text. */
export function problemAnswer(
  error: unknown,
  more: Pick<Problem, "line" | "count" | "first" | "last"> = {},
): WholeAnswer {
  const known = error instanceof TailwireError ? error : new TailwireError("internal", "a fault of the server");
  const problem = problemOf(known, more);
  const body = `${JSON.stringify(problem)}\n`;
  const retry = problem.status === 503 ? { "Retry-After": RETRY_AFTER_S } : {};
  return { status: problem.status, headers: { "Content-Type": "application/problem+json", ...retry }, body };
}

/** Answers with an error as problem details. */
export function respondProblem(
  res: ServerResponse,
  error: unknown,
  headers: OutgoingHttpHeaders = {},
  more: Pick<Problem, "line" | "count" | "first" | "last"> = {},
): void {
  const answer = problemAnswer(error, more);
  respond(res, answer.status, { ...answer.headers, ...headers }, answer.body);
}

/** Answers without a body. */
export function respondEmpty(res: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  respond(res, status, headers, undefined);
}

/** Answers with a body, or without one. */
export function respond(
  res: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | undefined,
): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, wholeHeaders(headers, body)).end(body);
}

/** The headers of a short answer: no cache keeps it. */
export function wholeHeaders(headers: OutgoingHttpHeaders, body: string | undefined): OutgoingHttpHeaders {
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
  return { "Cache-Control": "no-store", ...headers, ...length };
}
