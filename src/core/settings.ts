/** The settings of a hub, with their defaults and limits. */

import { TailwireError } from "./errors.ts";

/** How a hub behaves; what is left out has the default named. */
export interface HubSettings {
  /** At most one flush of a busy channel in this many milliseconds (5). */
  readonly flushMs: number;
  /** Silence on a connection after which a heartbeat is sent, in milliseconds (15,000). */
  readonly heartbeatMs: number;
  /** Unsent bytes of one connection past which it leaves the fan-out and reads on from the log (1 MiB). */
  readonly maxBufferedBytes: number;
  /** The largest data of one event, in bytes as published (1 MiB). */
  readonly maxEventBytes: number;
}

const DEFAULTS: HubSettings = {
  flushMs: 5,
  heartbeatMs: 15_000,
  maxBufferedBytes: 1024 * 1024,
  maxEventBytes: 1024 * 1024,
};

/**
 * All of the settings, with the defaults of those that are left out.
 * @throws {TailwireError} `misuse` for what makes no sense
 */
export function withDefaults(some: Partial<HubSettings>): HubSettings {
  const settings = { ...DEFAULTS, ...some };
  for (const [name, value] of Object.entries(settings)) {
    if (!(name in DEFAULTS)) throw new TailwireError("misuse", `there is no setting ${name}`, { parameter: name });
    checkNumber(name, value, name === "flushMs" ? 0 : 1);
  }
  return settings;
}

/** @throws {TailwireError} `misuse` */
export function checkNumber(name: string, value: unknown, least: number): void {
  // Timers hold no more than 31 bits of milliseconds, and no setting makes sense beyond.
  const most = 2 ** 31 - 1;
  if (typeof value === "number" && value >= least && value <= most) return;
  throw new TailwireError("misuse", `${name} is a number from ${least} to ${most}, not ${value}`, { parameter: name });
}
