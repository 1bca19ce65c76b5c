/** Tailwire for Node: make a hub, join it to a server, publish and subscribe. */

export { type ChannelName, MAX_NAMES } from "./core/channel-name.ts";
export { type Cancel, type Clock, systemClock } from "./core/clock.ts";
export type { From } from "./core/cursor.ts";
export { type ErrorCode, TailwireError } from "./core/errors.ts";
export type { ChannelEvent, Data, EventInput, Gap, ReceivedEvent, ReceivedGap } from "./core/event.ts";
export type { Hub, Published, PublishOptions, SubscribeOptions } from "./core/hub.ts";
export type { Retention } from "./core/log.ts";
export type { Position } from "./core/position.ts";
export type { HubSettings } from "./core/settings.ts";
export type { Appended, MaybePromise, Purgeable, Read, ReadLimit, Store, Watched } from "./core/store.ts";
export { createHub, type HubOptions } from "./create-hub.ts";
export { createHandler, type Handler, type HandlerOptions } from "./server/handler.ts";
export { attach } from "./server/node.ts";
export { type MemoryStoreOptions, memoryStore, type Snapshots } from "./store/memory.ts";
