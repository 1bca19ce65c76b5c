/** A server of a test: attached to a real node:http server on a port of its own, ended with the test. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import {
  attach,
  createHub,
  type HandlerOptions,
  type Hub,
  type HubOptions,
  memoryStore,
  type Purgeable,
  type ReceivedEvent,
  type Store,
} from "../../src/index.ts";

export interface Served {
  readonly hub: Hub;
  readonly server: Server;
  readonly port: number;
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  readonly store: ObservedStore;
}

export interface ServeOptions {
  readonly hub?: HubOptions;
  readonly path?: string;
  readonly handler?: HandlerOptions;
  /** Adds the server's other listeners, before Tailwire is attached. */
  readonly before?: (server: Server) => void;
}

/** Serves a hub until the test is over. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const store = observedStore();
  const hub = createHub({ store, ...options.hub });
  const server = createServer();
  options.before?.(server);
  attach(server, hub, { path: options.path ?? "/", ...options.handler });
  const { port, url } = await listen(server);
  onTestFinished(async () => {
    await hub.close();
  });
  return { hub, server, port, url, store };
}

/** Lets a server listen on a port of its own until the test is over. */
export async function listen(server: Server): Promise<{ readonly port: number; readonly url: string }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

/** A memory store that tells how many channels are followed: the hub follows what somebody reads, and nothing else. */
interface ObservedStore extends Store, Purgeable {
  readonly followed: number;
  /** Settles once exactly so many channels are followed. */
  whenFollowed(count: number): Promise<void>;
}

/** Watches a store's followers. */
function observedStore(inner: Store & Purgeable = memoryStore()): ObservedStore {
  let followed = 0;
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const change = (by: number) => {
    followed += by;
    for (const { count, resolve } of waiting) if (count === followed) resolve();
    waiting = waiting.filter(({ count }) => count !== followed);
  };
  return {
    get followed() {
      return followed;
    },
    whenFollowed: (count) =>
      count === followed ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),
    append: (channel, input) => inner.append(channel, input),
    read: (channel, from, limit) => inner.read(channel, from, limit),
    follow(channel, listener) {
      const unfollow = inner.follow(channel, listener);
      change(1);
      return () => {
        unfollow();
        change(-1);
      };
    },
    purge: (channel) => inner.purge(channel),
    close: () => inner.close?.(),
  };
}

/** All that a channel holds, as a poll gives it. */
export async function logOf(url: string, channel: string): Promise<readonly ReceivedEvent[]> {
  const answer = await fetch(`${url}/channels/${channel}?wait=0&from=earliest`);
  const { events } = (await answer.json()) as { events: readonly ReceivedEvent[] };
  return events;
}

/** The data of all that a channel holds. */
export async function dataOf(url: string, channel: string): Promise<readonly unknown[]> {
  return (await logOf(url, channel)).map(({ data }) => data);
}
