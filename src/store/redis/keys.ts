/**
 * The names that a channel has in Redis. All of a channel's share a hash tag, so that in a Cluster they are in one slot:
 *
 *     tailwire:{chat}             where its log stands: epoch, newest offset, oldest kept, …
 *     tailwire:{chat}:log         its events
 *     tailwire:{chat}:once:KEY    an idempotency key's position
 *     tailwire:{chat}:live        a Pub/Sub channel, to which each event is published; :live:3 in database 3
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { TailwireError } from "../../core/errors.ts";

const PREFIX = /^[A-Za-z0-9_.:@~-]{1,64}$/;

/**
 * Refuses a prefix that could change the hash tag.
 * @throws {TailwireError} `misuse`
 */
export function checkPrefix(prefix: string): string {
  if (typeof prefix === "string" && PREFIX.test(prefix)) return prefix;
  throw new TailwireError("misuse", "prefix is 1 to 64 of A-Z a-z 0-9 _ . : @ ~ -", { parameter: "prefix" });
}

export class Keys {
  readonly #prefix: string;
  /** Ends the names of Pub/Sub channels, which the databases of one Redis share. */
  readonly liveEnding: string;

  constructor(prefix: string, database: number) {
    this.#prefix = prefix;
    this.liveEnding = database === 0 ? ":live" : `:live:${database}`;
  }

  /** Where the log stands. */
  meta(channel: ChannelName): string {
    return `${this.#prefix}{${channel}}`;
  }

  live(channel: ChannelName): string {
    return this.meta(channel) + this.liveEnding;
  }
}

/** The slot of a Cluster that all of a channel's keys are in: CRC-16/XMODEM of the hash tag, as the Cluster has it. */
export function slotOf(channel: ChannelName): number {
  let crc = 0;
  for (let index = 0; index < channel.length; index += 1) {
    crc ^= channel.charCodeAt(index) << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % 16_384;
}
