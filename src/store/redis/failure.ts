/** What the errors of Redis and of the way to it mean. */

import { TailwireError } from "../../core/errors.ts";

export function unavailable(detail: string, cause?: unknown): TailwireError {
  return new TailwireError("store_unavailable", detail, { cause });
}

export function misuse(detail: string, cause?: unknown): TailwireError {
  return new TailwireError("misuse", detail, { cause });
}

/** Answers after which it is worth asking where the logs are now: nothing was done there. */
const ELSEWHERE = /^(MOVED|ASK|CLUSTERDOWN|READONLY|MASTERDOWN)\b/;
/** Answers that say that nothing was done, and that it may be otherwise a moment later. */
const LATER = /^(LOADING|BUSY|OOM|MISCONF|NOREPLICAS|TRYAGAIN|NOSCRIPT|NOAUTH|NOPERM|WRONGPASS|UNBLOCKED)\b/;

export function isElsewhere(error: unknown): boolean {
  return ELSEWHERE.test(messageOf(error));
}

export function hasNoScript(error: unknown): boolean {
  return messageOf(error).startsWith("NOSCRIPT");
}

/** An error answer of Redis, where it was asked for a log. */
export function refused(error: unknown): TailwireError {
  const message = messageOf(error);
  if (ELSEWHERE.test(message) || LATER.test(message)) return unavailable(`Redis refuses for now: ${message}`, error);
  return new TailwireError("internal", `Redis has answered with an error: ${message}`, { cause: error });
}

const TOO_OLD = "it is older than Redis 7, which is the oldest that works (any Valkey does)";

/** What it means where a connection could not be opened. */
const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^NOAUTH/, ": it asks for a password: redis://:password@host, or redis://user:password@host"],
  [/^WRONGPASS/, ": the username or password is wrong"],
  [/^NOPERM/, ": this user may not do what the store needs"],
  [/DB index is out of range|SELECT is not allowed/, ": there is no such database"],
  [/unknown command .?HELLO|^NOPROTO/, `: ${TOO_OLD}`],
  [/cluster support disabled/, " is no node of a Cluster: give its url instead"],
  [/unknown command .?SENTINEL/i, " is no Sentinel: give its url instead"],
];

/** Why a connection could not be opened: `misuse` where no waiting helps. */
export function notConnected(where: string, error: unknown): TailwireError {
  if (error instanceof TailwireError) {
    return error.code === "misuse" || error.cause === undefined ? error : notConnected(where, error.cause);
  }
  const message = messageOf(error);
  const reason = REASONS.find(([pattern]) => pattern.test(message))?.[1];
  if (reason !== undefined) return misuse(`${where}${reason} (${message})`, error);
  return unavailable(`Redis at ${where} cannot be reached: ${message}`, error);
}

/** What `INFO server` has to say of a Redis that the store can work with. */
export interface Expected {
  /** Whether it is a node of a Cluster. */
  readonly cluster: boolean;
}

/** @throws {TailwireError} `misuse` for another kind or age of server */
export function checkServer(where: string, info: string, { cluster }: Expected): void {
  const version = Number(/^redis_version:(\d+)/m.exec(info)?.[1] ?? 0);
  if (version < 7) throw misuse(`${where}: ${TOO_OLD}`);
  const mode = /^(?:redis|server)_mode:(\w+)/m.exec(info)?.[1];
  if (mode === "sentinel") throw misuse(`${where} is a Sentinel: give sentinel: { name, sentinelRootNodes } instead`);
  if (mode === "cluster" && !cluster)
    throw misuse(`${where} is a node of a Cluster: give cluster: { rootNodes } instead`);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A host with two addresses fails with both errors, and no message of its own.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error.message;
}
