import { useInsertionEffect, useState, useSyncExternalStore } from "react";
import { TailwireError } from "../client/index.ts";
import { type ChannelOptions, type ChannelView, createChannelStore, EMPTY } from "./channel-store.ts";
import { usePush } from "./provider.ts";

const MAX_EVENTS = 100;

/**
 * The newest events of a channel, live. Subscribes while the component is mounted; every component has its own list,
 * and all of them share the client's connection. Another channel, client or `from` begins with an empty list.
 *
 * On a server, and while hydrating, the list is empty: give the page the cursor that it was rendered at as `from`.
 * @param channel nothing is subscribed to where it is null or undefined
 * @throws {TailwireError} `misuse` where there is no `PushProvider`; to the nearest error boundary, once mounted,
 * `invalid_channel` and `invalid_parameter`
 */
export function useChannel<T = unknown>(
  channel: string | null | undefined,
  options: ChannelOptions<T> = {},
): ChannelView<T> {
  const push = usePush();
  const { from = "now", maxEvents = MAX_EVENTS } = options;
  if (!(maxEvents >= 0)) {
    throw new TailwireError("invalid_parameter", "maxEvents is a number from 0", { parameter: "maxEvents" });
  }
  const [store, setStore] = useState(() => createChannelStore<T>({ push, channel, from }));
  const { source } = store;
  if (source.push !== push || source.channel !== channel || source.from !== from) {
    setStore(createChannelStore<T>({ push, channel, from }));
  }
  // Before any effect that subscribes. What is given inline is another object at each render, and no news.
  useInsertionEffect(() => store.configure({ ...options, maxEvents }));
  return useSyncExternalStore<ChannelView<T>>(
    store.subscribe,
    () => store.view(maxEvents),
    () => EMPTY,
  );
}
