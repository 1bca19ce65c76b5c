/** The subscriptions of this client, over all channels: one feed for them all. */

import type { Position } from "../core/position.ts";
import type { Feed } from "./feed.ts";
import type { ItemMessage } from "./places.ts";
import type { Reader } from "./reader.ts";

export interface Subscriptions {
  /** @param from where the feed begins in the channel, if this is the first to want it */
  add(reader: Reader, from: string): void;
  remove(reader: Reader): void;
  begin(channel: string, at: Position, from: string | undefined): void;
  item(item: ItemMessage): void;
  close(): void;
}

interface Channel {
  readonly from: string;
  readonly readers: Set<Reader>;
}

export function createSubscriptions(feed: () => Feed): Subscriptions {
  const channels = new Map<string, Channel>();

  function want(): void {
    feed().want(new Map([...channels].map(([name, { from }]) => [name, from])));
  }

  /** A copy, for a listener may subscribe, or stop. */
  function readersOf(channel: string): readonly Reader[] {
    return [...(channels.get(channel)?.readers ?? [])];
  }

  return {
    add(reader, from) {
      const known = channels.get(reader.channel);
      if (known === undefined) {
        channels.set(reader.channel, { from, readers: new Set([reader]) });
        return want();
      }
      known.readers.add(reader);
      const at = feed().at(reader.channel);
      if (at !== undefined) reader.begin(at, undefined);
    },
    remove(reader) {
      const known = channels.get(reader.channel);
      reader.close();
      if (!known?.readers.delete(reader) || known.readers.size > 0) return;
      channels.delete(reader.channel);
      want();
    },
    begin(channel, at, from) {
      for (const reader of readersOf(channel)) reader.begin(at, from);
    },
    item(item) {
      for (const reader of readersOf(item.channel)) reader.item(item);
    },
    close() {
      for (const { readers } of channels.values()) for (const reader of readers) reader.close();
      channels.clear();
    },
  };
}
