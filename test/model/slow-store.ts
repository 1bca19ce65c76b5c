/** A store that answers later, loses notifications, and keeps every promise of the contract all the same. */

import type { ChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent } from "../../src/core/event.ts";
import type { MaybePromise, Purgeable, Store } from "../../src/core/store.ts";
import type { ManualClock } from "../../src/testing/manual-clock.ts";

/** @param losses how many of a hundred notifications never arrive */
export function slowStore(store: Store & Purgeable, clock: ManualClock, losses: number): Store & Purgeable {
  const later = <T>(answer: () => MaybePromise<T>): Promise<T> => {
    const value = answer();
    return new Promise((resolve) => clock.after(clock.random() * 20, () => resolve(value)));
  };
  return {
    append: (channel, input) => later(() => store.append(channel, input)),
    read: (channel, from, limit) => later(() => store.read(channel, from, limit)),
    purge: (channel) => store.purge(channel),
    follow: (channel, listener) => followLate(store, clock, losses, channel, listener),
  };
}

/** In order, as the contract says, each a little later than the one before. */
function followLate(
  store: Store,
  clock: ManualClock,
  losses: number,
  channel: ChannelName,
  listener: (event: ChannelEvent) => void,
): () => void {
  let due = 0;
  let following = true;
  const unfollow = store.follow(channel, (event) => {
    if (clock.random() * 100 < losses) return;
    due = Math.max(due, clock.now() + clock.random() * 10);
    clock.after(due - clock.now(), () => following && listener(event));
  });
  return () => {
    following = false;
    unfollow();
  };
}
