/** What a memory store holds, and the records of a snapshot that it becomes. */

import type { ChannelName } from "../core/channel-name.ts";
import { type Clock, newEpoch } from "../core/clock.ts";
import { TailwireError } from "../core/errors.ts";
import type { ChannelEvent, Data } from "../core/event.ts";
import { Log, type Retention } from "../core/log.ts";
import type { Position } from "../core/position.ts";
import { Generations } from "./generations.ts";
import type { SnapshotRecord } from "./snapshot.ts";

/** Freed channels whose last position is remembered, so that their epoch goes on. About 100 bytes each. */
const MAX_RESTING = 200_000;
/** Idempotency keys remembered over all channels: the newest half in any case. About 200 bytes each. */
const MAX_KEYS = 500_000;
const ALL = { maxEvents: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };

/** The event that an idempotency key made, and when. */
export interface KeyUse {
  readonly position: Position;
  readonly time: number;
}

export class Contents {
  readonly logs = new Map<ChannelName, Log>();
  readonly keys = new Generations<string, KeyUse>(MAX_KEYS);
  readonly #resting = new Generations<ChannelName, Position>(MAX_RESTING);
  readonly #clock: Clock;
  /** The epoch of channels that have had no event. */
  #epoch: string;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#epoch = newEpoch(clock);
  }

  get empty(): boolean {
    return this.logs.size === 0 && this.keys.size === 0 && this.#resting.size === 0;
  }

  /** The channel's log, begun where there is none. */
  log(channel: ChannelName): Log {
    const existing = this.logs.get(channel);
    if (existing !== undefined) return existing;
    const log = new Log(channel, this.rest(channel));
    this.#resting.delete(channel);
    this.logs.set(channel, log);
    return log;
  }

  /**
   * Where a log stands that is not kept: it goes on from there when it begins again, so that an old cursor is still
   * told the truth.
   */
  rest(channel: ChannelName): Position {
    return this.#resting.get(channel) ?? { epoch: this.#epoch, offset: 0 };
  }

  /** Frees a channel's log, and remembers where it stood. */
  lay(channel: ChannelName, position: Position): void {
    this.logs.delete(channel);
    // A forgotten channel may begin again: not in an epoch in which it had events.
    if (this.#resting.set(channel, position)) this.#epoch = newEpoch(this.#clock);
  }

  /** All of it. */
  *records(): Generator<SnapshotRecord> {
    yield ["store", this.#epoch];
    for (const [channel, log] of this.logs) {
      const { start, events } = log.read({ kind: "earliest" }, ALL);
      yield ["log", channel, start.epoch, start.offset];
      for (const event of events) yield eventRecord(event);
    }
    for (const [channel, { epoch, offset }] of this.#resting.entries()) yield ["rest", channel, epoch, offset];
    for (const [key, { position, time }] of this.keys.entries()) {
      yield ["key", key, position.epoch, position.offset, time];
    }
  }

  /** Takes the records in order; gives what an event's record needs of those before it. */
  restorer(retention: Retention): (record: SnapshotRecord) => void {
    let log: Log | undefined;
    return (record) => {
      switch (record[0]) {
        case "store":
          this.#epoch = record[1];
          break;
        case "log":
          log = new Log(record[1] as ChannelName, { epoch: record[2], offset: record[3] });
          this.logs.set(log.channel, log);
          break;
        case "event":
          if (log === undefined) throw new TailwireError("invalid_data", "it has an event that is in no log");
          log.append(restoredEvent(log, record), retention);
          break;
        case "rest":
          this.lay(record[1] as ChannelName, { epoch: record[2], offset: record[3] });
          break;
        case "key":
          this.keys.set(record[1], { position: { epoch: record[2], offset: record[3] }, time: record[4] });
      }
    };
  }
}

function eventRecord({ time, type, key, data }: ChannelEvent): SnapshotRecord {
  return ["event", time, type, key ?? null, data.kind, textOf(data)];
}

function restoredEvent(log: Log, record: SnapshotRecord & readonly ["event", ...unknown[]]): ChannelEvent {
  const [, time, type, key, kind, text] = record;
  const position = { epoch: log.epoch, offset: log.head.offset + 1 };
  return { channel: log.channel, position, type, key: key ?? undefined, time, data: dataOf(kind, text) };
}

function textOf(data: Data): string {
  if (data.kind !== "binary") return data.text;
  const { buffer, byteOffset, byteLength } = data.bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function dataOf(kind: string, text: string): Data {
  if (kind === "json" || kind === "text") return { kind, text };
  // A copy: a small Buffer is a view of a larger one, which the log would keep.
  if (kind === "binary") return { kind, bytes: new Uint8Array(Buffer.from(text, "base64")) };
  throw new TailwireError("invalid_data", `it has an event of a kind that is not known: ${kind}`);
}
