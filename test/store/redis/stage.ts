/** Stores and hubs on real Redis servers, and what their subscribers got; all ended with their test. */

import { parseChannelName } from "../../../src/core/channel-name.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { TailwireError } from "../../../src/core/errors.ts";
import type { ChannelEvent, EventInput, ReceivedEvent, ReceivedGap } from "../../../src/core/event.ts";
import { createHub, type Hub } from "../../../src/index.ts";
import { type RedisStoreOptions, redisStore } from "../../../src/store/redis/index.ts";
import { RedisServer } from "./redis-server.ts";

export type RedisStore = ReturnType<typeof redisStore>;

export const chat = parseChannelName("chat");
export const ALL = { maxEvents: 10_000, maxBytes: 1e9 };

export function text(value: string | number, idempotencyKey?: string): EventInput {
  return { data: { kind: "text", text: String(value) }, type: "message", key: undefined, idempotencyKey };
}

export function textsOf(events: readonly ChannelEvent[]): readonly string[] {
  return events.map(({ data }) => (data.kind === "binary" ? "" : data.text));
}

/** The code that a call rejects with. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "none";
  } catch (error) {
    return error instanceof TailwireError ? error.code : String(error);
  }
}

/** Tries until it succeeds, as a publisher does that is told `store_unavailable`. */
export async function insist<T>(call: () => Promise<T> | T): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TailwireError) || error.code !== "store_unavailable") throw error;
      await new Promise<void>((resolve) => systemClock.after(20, resolve));
    }
  }
}

/** A subscription through a hub, and what it got. Where it fails it begins again, as a client does. */
export class Reader {
  readonly items: (ReceivedEvent | ReceivedGap)[] = [];

  static async open(hub: Hub, channel = "chat"): Promise<Reader> {
    const reader = new Reader();
    const from = await insist(() => hub.cursor(channel));
    void insist(() => reader.#read(hub, channel, from));
    return reader;
  }

  get texts(): readonly unknown[] {
    return this.items.map((item) => ("data" in item ? item.data : `gap: ${item.reason}`));
  }

  async #read(hub: Hub, channel: string, from: string): Promise<void> {
    const last = this.items.at(-1);
    const begin = last === undefined ? from : "id" in last ? last.id : last.next;
    for await (const item of hub.subscribe(channel, { from: begin })) this.items.push(item);
  }
}

export class Stage {
  readonly #ends: (() => unknown)[] = [];

  async redis(...args: readonly string[]): Promise<RedisServer> {
    const server = await RedisServer.start(args);
    this.#ends.push(() => server.end());
    return server;
  }

  async sentinel(...lines: readonly string[]): Promise<RedisServer> {
    const server = await RedisServer.startSentinel(lines);
    this.#ends.push(() => server.end());
    return server;
  }

  /** A store that need not be ready. It is patient, for the machine may be busy; where Redis hangs, give less. */
  store(options: RedisStoreOptions): RedisStore {
    const store = redisStore({ timeoutMs: 10_000, ...options });
    this.#ends.unshift(() => store.close?.());
    return store;
  }

  async readyStore(options: RedisStoreOptions): Promise<RedisStore> {
    const store = this.store(options);
    await insist(() => store.ready());
    return store;
  }

  async hub(options: RedisStoreOptions): Promise<Hub> {
    const hub = createHub({ store: await this.readyStore(options) });
    this.#ends.unshift(() => hub.close());
    return hub;
  }

  onEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Hubs and stores first, then the servers. */
  async end(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }
}
