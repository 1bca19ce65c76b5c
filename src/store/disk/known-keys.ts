/**
 * The idempotency keys of one commit. They are kept by periods as long as a key is remembered, so that one lookup in
 * this period and one in the last find any, and whole periods can be deleted.
 */

import type { Position } from "../../core/position.ts";
import { idempotencyKey, idempotencyKeysBefore, type Key, type KeyRange } from "./keys.ts";
import { decodeKnownKey, encodeKnownKey } from "./values.ts";
import type { View } from "./view.ts";

/** How long an idempotency key is remembered, in milliseconds. */
const REMEMBERED_MS = 600_000;

/** Those which nobody asks for any more. */
export function forgottenKeys(now: number): KeyRange {
  return idempotencyKeysBefore(periodOf(now) - 1);
}

export class KnownKeys {
  readonly #view: View;
  readonly #now: number;
  readonly #put: (key: Key, value: Buffer) => void;
  readonly #new = new Map<string, Position>();

  constructor(view: View, now: number, put: (key: Key, value: Buffer) => void) {
    this.#view = view;
    this.#now = now;
    this.#put = put;
  }

  /** @param channel the channel's number */
  get(channel: number, key: string): Position | undefined {
    const made = this.#new.get(`${channel} ${key}`);
    if (made !== undefined) return made;
    const period = periodOf(this.#now);
    return this.#stored(period, channel, key) ?? this.#stored(Math.max(0, period - 1), channel, key);
  }

  set(channel: number, key: string, position: Position): void {
    this.#new.set(`${channel} ${key}`, position);
    this.#put(idempotencyKey(periodOf(this.#now), channel, key), encodeKnownKey({ position, time: this.#now }));
  }

  #stored(period: number, channel: number, key: string): Position | undefined {
    const value = this.#view.get(idempotencyKey(period, channel, key));
    const known = value === undefined ? undefined : decodeKnownKey(value);
    return known !== undefined && this.#now - known.time <= REMEMBERED_MS ? known.position : undefined;
  }
}

function periodOf(time: number): number {
  return Math.max(0, Math.floor(time / REMEMBERED_MS));
}
