/**
 * Events as Redis keeps and publishes them, and answers as it gives them. Pure.
 *
 *     event         t message \n key \n data      t text, j JSON, b binary; no key is an empty one
 *     notification  epoch:offset:time \n event
 *
 * Neither types nor keys can hold a line feed. Text is UTF-8: half a surrogate pair becomes U+FFFD, as on the wire.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import type { From } from "../../core/cursor.ts";
import { TailwireError } from "../../core/errors.ts";
import type { ChannelEvent, Data, EventInput } from "../../core/event.ts";
import { beginRead } from "../../core/log.ts";
import { type Position, parsePosition } from "../../core/position.ts";
import type { Appended, Read } from "../../core/store.ts";

const LINE_FEED = 10;
const KINDS = { text: "t", json: "j", binary: "b" } as const;
const KIND_OF: Readonly<Record<number, Data["kind"]>> = { 116: "text", 106: "json", 98: "binary" };

export function packEvent({ data, type, key }: Pick<EventInput, "data" | "type" | "key">): string | Buffer {
  const head = `${KINDS[data.kind]}${type}\n${key ?? ""}\n`;
  return data.kind === "binary" ? Buffer.concat([Buffer.from(head), data.bytes]) : head + data.text;
}

export function unpackEvent(channel: ChannelName, position: Position, time: number, packed: Buffer): ChannelEvent {
  const kind = KIND_OF[packed[0] ?? 0];
  const typeEnd = packed.indexOf(LINE_FEED);
  const keyEnd = packed.indexOf(LINE_FEED, typeEnd + 1);
  if (kind === undefined || typeEnd < 0 || keyEnd < 0) throw unreadable("event");
  return {
    channel,
    position,
    type: packed.toString("utf8", 1, typeEnd),
    key: keyEnd === typeEnd + 1 ? undefined : packed.toString("utf8", typeEnd + 1, keyEnd),
    time,
    data: unpackData(kind, packed, keyEnd + 1),
  };
}

function unpackData(kind: Data["kind"], packed: Buffer, start: number): Data {
  if (kind !== "binary") return { kind, text: packed.toString("utf8", start) };
  // A copy: what came may be a view of much more, which would be kept with it.
  return { kind, bytes: new Uint8Array(packed.subarray(start)) };
}

export function unpackNotification(channel: ChannelName, message: Buffer): ChannelEvent {
  const end = message.indexOf(LINE_FEED);
  const [epoch = "", offset, time] = message.toString("latin1", 0, end).split(":");
  return unpackEvent(channel, { epoch, offset: Number(offset) }, Number(time), message.subarray(end + 1));
}

/** The answer of the append script. */
export function unpackAppended(answer: unknown): Appended {
  const text = String(answer);
  const duplicate = text.startsWith("=");
  const position = parsePosition(duplicate ? text.slice(1) : text);
  if (position === undefined) throw unreadable("append");
  return { position, duplicate };
}

/** Where to begin, as the read script has it: an epoch and an offset, or no epoch and how many from the end. */
export function packFrom(from: From): readonly [epoch: string, offset: string] {
  switch (from.kind) {
    case "after":
      return [from.position.epoch, String(from.position.offset)];
    case "now":
      return ["", "0"];
    case "earliest":
      return ["", String(Number.MAX_SAFE_INTEGER)];
    case "last":
      return ["", String(from.count)];
  }
}

/** The answer of the read script. */
export function unpackRead(channel: ChannelName, from: From, answer: unknown): Read {
  if (!Array.isArray(answer) || answer.length < 3) throw unreadable("read");
  const [epoch, newest, oldest, ...rest] = answer as [Buffer, number, number, ...(number | Buffer)[]];
  const head: Position = { epoch: epoch.toString("latin1"), offset: newest };
  const { start, gap } = beginRead(channel, from, oldest, head);
  const events: ChannelEvent[] = [];
  let { offset } = gap?.next ?? start;
  for (let index = 0; index < rest.length; index += 2) {
    offset += 1;
    const position = { epoch: head.epoch, offset };
    events.push(unpackEvent(channel, position, rest[index] as number, rest[index + 1] as Buffer));
  }
  return { start, gap, events, head };
}

function unreadable(what: string): TailwireError {
  return new TailwireError("internal", `Redis has answered to the ${what} with what this store has not written`);
}
