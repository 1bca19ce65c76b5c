"use client";

/** `tailwire/react`: the events of a channel, and the state of the connection, as hooks. */

export type { ChannelItem, ChannelOptions, ChannelView } from "./channel-store.ts";
export type { ConnectionState } from "./connection-store.ts";
export { PushProvider, type PushProviderProps, usePush } from "./provider.ts";
export { useChannel } from "./use-channel.ts";
export { useConnectionState } from "./use-connection-state.ts";
