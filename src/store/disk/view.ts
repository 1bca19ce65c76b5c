/** What is stored, read through a lookup by key: a snapshot, or within a commit what it began with. */

import type { ChannelName } from "../../core/channel-name.ts";
import { TailwireError } from "../../core/errors.ts";
import type { ChannelEvent } from "../../core/event.ts";
import { channelKey, eventKey, type Key, STATE_KEY } from "./keys.ts";
import {
  type ChannelRecord,
  decodeEvent,
  decodeHead,
  decodeRecord,
  decodeState,
  type EventHead,
  type State,
} from "./values.ts";

export interface View {
  /** The value under a key, which is good until the next lookup. */
  get(key: Key): Buffer | undefined;
}

export function readState(view: View): State {
  return decodeState(view.get(STATE_KEY) ?? missing("its state"));
}

/** Where a channel stands; undefined where it has had no event, or is forgotten. */
export function readRecord(view: View, channel: ChannelName): ChannelRecord | undefined {
  const value = view.get(channelKey(channel));
  return value === undefined ? undefined : decodeRecord(value);
}

export function readHead(view: View, log: number, offset: number): EventHead {
  return decodeHead(eventValue(view, log, offset));
}

export function readEvent(view: View, channel: ChannelName, record: ChannelRecord, offset: number): ChannelEvent {
  return decodeEvent(eventValue(view, record.log, offset), channel, { epoch: record.epoch, offset });
}

function eventValue(view: View, log: number, offset: number): Buffer {
  return view.get(eventKey(log, offset)) ?? missing(`event ${offset} of log ${log}`);
}

function missing(what: string): never {
  throw new TailwireError("store_unavailable", `the store is damaged: ${what} is not there. Restore it from a backup`);
}
