/**
 * The keys of the disk store, as bytes that sort as they should be read. Numbers are 48 bits, the highest byte first:
 * 50,000 events a second need 178 years for them.
 *
 *     f                            what made this folder, and in which format
 *     j 255 …                      the state that all channels share
 *     c name                       a channel: where it stands
 *     e log offset                 an event
 *     j commit                     the channels that a commit appended to
 *     k period channel key         an idempotency key
 *     a time channel               a channel with events, by the time of an old one: to be looked at for age
 *     r time channel               a channel without events, by the time since when: to be forgotten one day
 *     g log                        a log that was purged, until its events are gone
 */

import type { ChannelName } from "../../core/channel-name.ts";

export type Key = Buffer;

/** Where a scan begins, and the first key that it leaves out. */
export interface KeyRange {
  readonly start: Key;
  readonly end: Key;
}

export const MAX_NUMBER = 2 ** 48 - 1;

export const FORMAT_KEY: Key = Buffer.from("f");
/** Sorts right behind the newest commit, so that both are in one page, and one page less is written with each. */
export const STATE_KEY: Key = Buffer.from(`j${"\xff".repeat(7)}`, "latin1");

export function channelKey(channel: ChannelName): Key {
  return Buffer.from(`c${channel}`, "latin1");
}

export function eventKey(log: number, offset: number): Key {
  return numbered("e", log, offset);
}

export function commitKey(commit: number): Key {
  return numbered("j", commit);
}

/** @param channel the channel's number, which it keeps through purges */
export function idempotencyKey(period: number, channel: number, key: string): Key {
  return Buffer.concat([numbered("k", period, channel), textKey(key)]);
}

export function agedKey(time: number, channel: number): Key {
  return numbered("a", time, channel);
}

export function restingKey(since: number, channel: number): Key {
  return numbered("r", since, channel);
}

export function purgedKey(log: number): Key {
  return numbered("g", log);
}

/** The log of a {@link purgedKey}. */
export function logOfPurged(key: Key): number {
  return key.readUIntBE(1, 6);
}

/** Those of {@link idempotencyKey} before a period. */
export function idempotencyKeysBefore(period: number): KeyRange {
  return { start: numbered("k"), end: numbered("k", Math.max(0, period)) };
}

/** Those of {@link agedKey} before a time. */
export function agedBefore(time: number): KeyRange {
  return { start: numbered("a"), end: numbered("a", clamp(time)) };
}

/** Those of {@link restingKey} before a time. */
export function restingBefore(time: number): KeyRange {
  return { start: numbered("r"), end: numbered("r", clamp(time)) };
}

/** Every {@link purgedKey}. */
export const ALL_PURGED: KeyRange = { start: numbered("g"), end: numbered("h") };

function numbered(prefix: string, ...numbers: readonly number[]): Key {
  const key = Buffer.allocUnsafe(1 + 6 * numbers.length);
  key[0] = prefix.charCodeAt(0);
  let at = 1;
  for (const number of numbers) at = key.writeUIntBE(number, at, 6);
  return key;
}

/** Text as UTF-8, or as UTF-16 where a half of a surrogate pair stands alone, which UTF-8 cannot hold. */
function textKey(text: string): Buffer {
  return LONE_SURROGATE.test(text) ? Buffer.from(`\0${text}`, "utf16le") : Buffer.from(text);
}

/** In a pattern with the flag u, pairs are read as one character, so this finds halves only. */
export const LONE_SURROGATE: RegExp = /\p{Surrogate}/u;

function clamp(time: number): number {
  return Math.min(MAX_NUMBER, Math.max(0, Math.ceil(time)));
}
