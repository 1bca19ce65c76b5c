/** Reads of a channel, within a snapshot. */

import type { ChannelName } from "../../core/channel-name.ts";
import type { From } from "../../core/cursor.ts";
import { type ChannelEvent, eventBytes } from "../../core/event.ts";
import { beginRead, type Retention } from "../../core/log.ts";
import type { Position } from "../../core/position.ts";
import type { Read, ReadLimit } from "../../core/store.ts";
import { keptAfter } from "./kept.ts";
import type { ChannelRecord } from "./values.ts";
import { readEvent, readHead, readRecord, readState, type View } from "./view.ts";

/** See `Store.read`; what retention has passed counts as gone, also where it is not deleted yet. */
export function readChannel(
  view: View,
  channel: ChannelName,
  from: From,
  limit: ReadLimit,
  retention: Retention,
  now: number,
): Read {
  const record = readRecord(view, channel);
  const head = headOf(view, record);
  if (record === undefined) return { ...beginRead(channel, from, 0, head), events: [], head };
  const kept = keptAfter(record, retention, now, (offset) => readHead(view, record.log, offset));
  const { start, gap } = beginRead(channel, from, kept, head);
  return { start, gap, events: readAfter(view, channel, record, (gap?.next ?? start).offset, limit), head };
}

/** The position of the newest event. */
export function headOf(view: View, record: ChannelRecord | undefined): Position {
  if (record === undefined) return { epoch: readState(view).epoch, offset: 0 };
  return { epoch: record.epoch, offset: record.newest };
}

/** The events after an offset, which none before was deleted of. */
export function readAfter(
  view: View,
  channel: ChannelName,
  record: ChannelRecord,
  after: number,
  { maxEvents, maxBytes }: ReadLimit,
): readonly ChannelEvent[] {
  const events: ChannelEvent[] = [];
  let bytes = 0;
  for (let offset = after + 1; offset <= record.newest && events.length < maxEvents; offset += 1) {
    const event = readEvent(view, channel, record, offset);
    bytes += eventBytes(event);
    if (bytes > maxBytes && events.length > 0) break;
    events.push(event);
  }
  return events;
}
