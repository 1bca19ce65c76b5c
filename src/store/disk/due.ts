/**
 * When a channel is to be looked at. One with events has an entry among the aged, by the time of an event as old as its
 * oldest or older; one without has an entry among the resting, by the time since when, and is forgotten after a week.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { agedKey, type Key, restingKey } from "./keys.ts";
import type { ChannelRecord } from "./values.ts";

/** How long the position of a channel without events is remembered, in milliseconds: 7 days, at 200 bytes each. */
export const RESTING_MS = 7 * 24 * 3_600_000;

/** A key and its new value; undefined where it goes. */
export type Write = readonly [key: Key, value: Buffer | undefined];

/** The record as it has to be entered now. */
export function entered(record: ChannelRecord, now: number): ChannelRecord {
  if (record.trimmed === record.newest) return { ...record, agedAt: 0, restingSince: record.restingSince || now };
  return { ...record, agedAt: record.agedAt || record.newestTime, restingSince: 0 };
}

/** What brings the entries from one record of a channel to another. */
export function entryWrites(
  channel: ChannelName,
  before: ChannelRecord | undefined,
  after: ChannelRecord | undefined,
): readonly Write[] {
  return [
    ...moved(channel, agedKey, before?.channel, before?.agedAt, after?.channel, after?.agedAt),
    ...moved(channel, restingKey, before?.channel, before?.restingSince, after?.channel, after?.restingSince),
  ];
}

function moved(
  name: ChannelName,
  key: (time: number, channel: number) => Key,
  channelBefore: number | undefined,
  before: number | undefined,
  channelAfter: number | undefined,
  after: number | undefined,
): readonly Write[] {
  if (before === after && channelBefore === channelAfter) return [];
  const writes: Write[] = [];
  if (channelBefore !== undefined && before) writes.push([key(before, channelBefore), undefined]);
  if (channelAfter !== undefined && after) writes.push([key(after, channelAfter), Buffer.from(name, "latin1")]);
  return writes;
}
