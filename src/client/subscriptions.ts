/** The subscriptions of this client, over all channels: one feed for them all. */

import { MAX_NAMES } from "../core/channel-name.ts";
import { TailwireError } from "../core/errors.ts";
import type { Position } from "../core/position.ts";
import type { Feed } from "./feed.ts";
import type { ItemMessage } from "./places.ts";
import type { Reader } from "./reader.ts";

export interface Subscriptions {
  /**
   * The first reader of a channel decides where the feed begins in it.
   * @throws {TailwireError} `invalid_channel` for more channels than a connection takes
   */
  add(reader: Reader): void;
  remove(reader: Reader): void;
  begin(channel: string, at: Position, from: string | undefined): void;
  item(item: ItemMessage): void;
  close(): void;
}

export function createSubscriptions(feed: () => Feed): Subscriptions {
  const channels = new Map<string, readonly Reader[]>();
  // Never changed, only replaced: a listener may subscribe, or stop.
  const readersOf = (channel: string) => channels.get(channel) ?? [];

  function want(): void {
    feed().want(new Map([...channels].map(([name, readers]) => [name, readers[0]?.from ?? "now"])));
  }

  return {
    add(reader) {
      const { channel } = reader;
      const known = channels.has(channel);
      if (!known && channels.size === MAX_NAMES) {
        throw new TailwireError("invalid_channel", `a client has at most ${MAX_NAMES} channels`);
      }
      channels.set(channel, [...readersOf(channel), reader]);
      const at = feed().at(channel);
      if (!known) want();
      else if (at !== undefined) reader.begin(at, undefined);
    },
    remove(reader) {
      const { channel } = reader;
      reader.close();
      if (channels.has(channel))
        channels.set(
          channel,
          readersOf(channel).filter((each) => each !== reader),
        );
      // Not at once: another may take its place in the same turn, as when a page is drawn anew.
      queueMicrotask(() => {
        if (channels.get(channel)?.length === 0 && channels.delete(channel)) want();
      });
    },
    begin(channel, at, from) {
      for (const reader of readersOf(channel)) reader.begin(at, from);
    },
    item(item) {
      for (const reader of readersOf(item.channel)) reader.item(item);
    },
    close() {
      for (const reader of [...channels.values()].flat()) reader.close();
      channels.clear();
    },
  };
}
