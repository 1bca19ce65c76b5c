/** `tailwire/client`: events from a server to this page or program, over whatever connection gets through. */

import { TailwireError } from "../core/errors.ts";
import { type ClientOptions, connectWith, type Push } from "./connect.ts";
import type { Transport, TransportName } from "./link.ts";
import { browserWorld, createTabs } from "./tabs.ts";
import { iframe } from "./transport/iframe.ts";
import { jsonp } from "./transport/jsonp.ts";
import { longPoll, poll } from "./transport/poll.ts";
import { sse } from "./transport/sse.ts";
import { stream } from "./transport/stream.ts";
import { websocket } from "./transport/websocket.ts";
import { xhrStream } from "./transport/xhr-stream.ts";

export { type ErrorCode, TailwireError } from "../core/errors.ts";
export type { ReceivedEvent, ReceivedGap } from "../core/event.ts";
export { type ClientOptions, connectWith, type EventsOptions, type Push, type SubscribeOptions } from "./connect.ts";
export type { StandardSchema } from "./deliver.ts";
export type { State } from "./feed.ts";
export type { Transport, TransportName } from "./link.ts";
export type { Published, PublishOptions } from "./publisher.ts";
export { iframe, jsonp, longPoll, poll, sse, stream, websocket, xhrStream };

export interface ConnectOptions extends ClientOptions {
  /** The transports to try, in this order; all of them where it is left out. */
  readonly transports?: readonly TransportName[];
  /**
   * One connection for all tabs of the origin: one of them holds it, and passes events on. A text tells groups of
   * tabs apart. Where the browser cannot (no Web Locks, no BroadcastChannel) each tab connects by itself.
   */
  readonly shareTabs?: boolean | string;
}

/** In order of preference. */
const ALL: readonly Transport[] = [websocket, sse, stream, xhrStream, longPoll, iframe, jsonp, poll];

/**
 * Makes a client. It connects with the first subscription, over the first transport that proves itself.
 * @param url where the server's routes begin: absolute, or in a page relative to it
 * @throws {TailwireError} `misuse` for options that make no sense
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Push {
  const { transports, shareTabs = false, ...rest } = options;
  return connectWith(transports?.map(named) ?? ALL, url, rest, (base, clock, makeSession) => {
    const world = shareTabs === false ? undefined : browserWorld();
    if (world === undefined) return undefined;
    const name = `tailwire ${base} ${shareTabs}`;
    return (listener) => createTabs({ world, name, clock, makeSession }, listener);
  });
}

function named(name: TransportName): Transport {
  const transport = ALL.find((each) => each.name === name);
  if (transport !== undefined) return transport;
  const known = ALL.map((each) => each.name).join(", ");
  throw new TailwireError("misuse", `${JSON.stringify(name)} is no transport; there are ${known}`, {
    parameter: "transports",
  });
}
