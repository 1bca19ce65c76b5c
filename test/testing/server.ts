/** A real server for each case of the transport suite. */

import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { ChannelName } from "../../src/core/channel-name.ts";
import type { From } from "../../src/core/cursor.ts";
import type { ChannelEvent, EventInput } from "../../src/core/event.ts";
import type { Purgeable, ReadLimit, Store } from "../../src/core/store.ts";
import { attach, createHub, type HandlerOptions, memoryStore } from "../../src/index.ts";
import type { StartServer, TransportServer } from "../../src/testing/index.ts";
import { SkippingClock } from "./skipping-clock.ts";

type FullStore = Store & Purgeable;

/**
 * @param wrap what stands between the hub and its memory store
 * @param options of the handler
 */
export function serverStarter(
  wrap: (store: FullStore) => FullStore = (store) => store,
  options: HandlerOptions = {},
): StartServer {
  return async ({ retention = {}, ...settings }) => {
    const clock = new SkippingClock();
    const store = new CountingStore(wrap(memoryStore({ retention, clock })));
    const hub = createHub({ ...settings, store, clock });
    const server = createServer();
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => {
      if (sockets.has(socket)) return; // put back by an upgrade that was none
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    attach(server, hub, options);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      hub,
      connections: () => sockets.size,
      follows: () => store.follows,
      unsentBytes: () => [...sockets].reduce((sum, { writableLength }) => sum + writableLength, 0),
      advance: (ms) => clock.skip(ms),
      async stop() {
        await hub.close();
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    } satisfies TransportServer;
  };
}

/** Counts who follows. */
class CountingStore implements Store, Purgeable {
  follows = 0;
  readonly #store: FullStore;

  constructor(store: FullStore) {
    this.#store = store;
  }

  append(channel: ChannelName, input: EventInput) {
    return this.#store.append(channel, input);
  }

  read(channel: ChannelName, from: From, limit: ReadLimit) {
    return this.#store.read(channel, from, limit);
  }

  follow(channel: ChannelName, listener: (event: ChannelEvent) => void): () => void {
    const unfollow = this.#store.follow(channel, listener);
    let following = true;
    this.follows += 1;
    return () => {
      if (following) this.follows -= 1;
      following = false;
      unfollow();
    };
  }

  purge(channel: ChannelName) {
    return this.#store.purge(channel);
  }

  close() {
    return this.#store.close?.();
  }
}
