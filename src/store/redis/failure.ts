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

/** Why a connection could not be opened: `misuse` where no waiting helps. */
export function notConnected(where: string, error: unknown): TailwireError {
  if (error instanceof TailwireError) return error;
  const message = messageOf(error);
  if (/^NOAUTH|AUTH.*called without any password/.test(message))
    return misuse(`${where}: ${passwordAdvice(message)}`, error);
  if (/^WRONGPASS|invalid password/.test(message)) return misuse(`${where}: the username or password is wrong`, error);
  if (/DB index|SELECT is not allowed/.test(message))
    return misuse(`${where}: there is no such database: ${message}`, error);
  if (/unknown command .?HELLO|NOPROTO/.test(message)) return misuse(`${where}: ${TOO_OLD}`, error);
  if (/^NOPERM/.test(message)) return misuse(`${where}: this user may not do what the store needs: ${message}`, error);
  if (/cluster support disabled/.test(message))
    return misuse(`${where} is no node of a Cluster: give its url instead`, error);
  return unavailable(`Redis at ${where} cannot be reached: ${message}`, error);
}

function passwordAdvice(message: string): string {
  if (message.startsWith("NOAUTH"))
    return "it asks for a password: redis://:password@host, or redis://user:password@host";
  return "a password is given, but it has none";
}

/** What `INFO server` has to say of a Redis that the store can work with. */
export interface Expected {
  /** Whether it is a node of a Cluster. */
  readonly cluster: boolean;
}

const TOO_OLD = "it is older than Redis 7, which is the oldest that works (any Valkey does)";

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
