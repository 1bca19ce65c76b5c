/** Query parameters as values. Pure. */

import { TailwireError } from "../core/errors.ts";

/** A parameter that does not parse, or does not fit the others. */
export function unfit(parameter: string, why: string): TailwireError {
  return new TailwireError("invalid_parameter", `${parameter}: ${why}`, { parameter });
}

/**
 * A parameter in seconds, with up to three decimals; undefined where it is missing.
 * @throws {TailwireError} `invalid_parameter`
 */
export function readSeconds(query: URLSearchParams, parameter: string, most: number): number | undefined {
  const text = query.get(parameter);
  if (text === null) return undefined;
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= most) return seconds;
  throw unfit(parameter, `it is a number of seconds from 0 to ${most}`);
}

/**
 * A parameter that is a whole number from 1 on; undefined where it is missing.
 * @throws {TailwireError} `invalid_parameter`
 */
export function readCount(query: URLSearchParams, parameter: string, most: number): number | undefined {
  const text = query.get(parameter);
  if (text === null) return undefined;
  const count = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= most) return count;
  throw unfit(parameter, `it is a number of events from 1 to ${most}`);
}

/**
 * A parameter's words; null where it is missing. Bytes that are not UTF-8 have become U+FFFD by now; nobody means that
 * character.
 * @throws {TailwireError} `invalid_parameter`
 */
export function readWord(query: URLSearchParams, parameter: string): string | null {
  const text = query.get(parameter);
  if (!text?.includes("\uFFFD")) return text;
  throw unfit(parameter, "it is not UTF-8");
}
