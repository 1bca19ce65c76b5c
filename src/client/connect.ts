/** The client: one feed, its subscriptions, its publisher. */

import { parseChannelName } from "../core/channel-name.ts";
import { TailwireError } from "../core/errors.ts";
import type { ReceivedEvent, ReceivedGap } from "../core/event.ts";
import { type ClientClock, realClock } from "./backoff.ts";
import { createDelivery, type StandardSchema } from "./deliver.ts";
import { createQueue, type Queue } from "./events.ts";
import type { Feed, FeedListener, State } from "./feed.ts";
import type { Transport, TransportName } from "./link.ts";
import { watchPage } from "./page-signals.ts";
import { createPublisher, type Published, type PublishOptions } from "./publisher.ts";
import { createReader, type Reader } from "./reader.ts";
import { createRemembered } from "./remembered.ts";
import { createSession } from "./session.ts";
import { createSubscriptions } from "./subscriptions.ts";

/** What a client can be told. */
export interface ClientOptions {
  /** Proves who this is: a text, or what gives a fresh one, asked at each connection. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Whether cookies go to a server of another origin, too. */
  readonly withCredentials?: boolean;
  /** The WebSocket class where there is no global one, such as that of `ws` in Node 20. */
  readonly WebSocket?: typeof WebSocket;
  /** Told of gaps whose subscription has no `onGap`. */
  readonly onGap?: (gap: ReceivedGap) => void;
  /** Told of listeners that throw, of events that do not fit, and of servers that do not speak the protocol. */
  readonly onError?: (error: unknown) => void;
  /** For tests: time moved by hand. */
  readonly clock?: ClientClock;
}

export interface SubscribeOptions<T = unknown> {
  /** `now` (the default), `earliest`, `-N`, or a cursor, such as one that the server put into the page. */
  readonly from?: string;
  /** Told when events are gone for good. */
  readonly onGap?: (gap: ReceivedGap) => void;
  /** What the data of each event has to be (Standard Schema: zod, valibot, arktype). */
  readonly schema?: StandardSchema<T>;
}

export interface EventsOptions<T = unknown> extends SubscribeOptions<T> {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/** A client of one server. */
export interface Push {
  /**
   * Hands on each event once, in order.
   * @returns ends it
   * @throws {TailwireError} `invalid_channel`, `invalid_parameter`
   */
  subscribe<T = unknown>(
    channel: string,
    onEvent: (event: ReceivedEvent<T>) => void,
    options?: SubscribeOptions<T>,
  ): () => void;
  /** The events of one or several channels, to be read by `for await`. */
  events<T = unknown>(
    channels: string | readonly string[],
    options?: EventsOptions<T>,
  ): AsyncIterableIterator<ReceivedEvent<T>>;
  /**
   * Appends an event: a string as text, a Uint8Array as binary, all else as JSON. Settles when it is in the log. Tried
   * again by itself for 30 s, without making two of it.
   * @throws {TailwireError} what the server refuses it with; `unreachable` when it did not get there
   */
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<Published>;
  /**
   * Calls the listener when the state or the transport is another; `reason` says why it waits, or why it closed by
   * itself. Returns what ends that.
   */
  on(type: "state", listener: (state: State, reason?: TailwireError) => void): () => void;
  /** Ends all, for good. */
  close(): void;
  readonly state: State;
  /** The transport in use; undefined where there is none. */
  readonly transport: TransportName | undefined;
}

/** How a client shares its connection with other tabs; see `connect`. */
export type ShareFeed = (
  base: string,
  clock: ClientClock,
  makeSession: (listener: FeedListener) => Feed,
) => ((listener: FeedListener) => Feed) | undefined;

/**
 * Makes a client of the given transports, in order of preference. `connect` has all of them; this leaves to a bundler
 * those that are not named.
 * @param url where the server's routes begin, such as `/push`
 */
export function connectWith(
  transports: readonly Transport[],
  url: string | URL,
  options: ClientOptions = {},
  share?: ShareFeed,
): Push {
  const { clock = realClock, withCredentials = false, WebSocket } = options;
  const base = baseOf(url);
  const token = typeof options.token === "function" ? options.token : () => options.token as string | undefined;
  const queues = new Set<Pick<Queue<unknown>, "return">>();
  const listeners = new Set<(state: State, reason?: TailwireError) => void>();
  const available = transports.filter((transport) => transport.available({ WebSocket }));
  if (available.length === 0) throw new TailwireError("misuse", "none of these transports can be used here");

  const session = (listener: FeedListener) =>
    createSession(
      {
        base,
        clock,
        withCredentials,
        WebSocket,
        token,
        transports: available,
        remembered: createRemembered(base, clock),
      },
      listener,
    );
  const makeFeed = share?.(base, clock, session) ?? session;
  let state: State = "closed";
  let transport: TransportName | undefined;
  let closed = false;
  let closedBy: TailwireError | undefined;

  const subscriptions = createSubscriptions(() => feed);
  const feed = makeFeed({
    begin: subscriptions.begin,
    item: subscriptions.item,
    error: onError,
    state(next, reason) {
      publisher.linkChanged();
      if (next === "closed" && reason !== undefined) closedBy = reason;
      if (closedBy !== undefined) endQueues();
      if (next === state && feed.transport === transport) return;
      state = next;
      transport = feed.transport;
      for (const listener of [...listeners]) safely(() => listener(next, reason));
    },
  });
  const publisher = createPublisher({
    base,
    clock,
    withCredentials,
    token,
    linkPublish: () => feed.publish,
    doubt: () => feed.check(true),
  });
  const unwatch = watchPage((networkChanged) => feed.check(networkChanged));

  function onError(error: unknown): void {
    try {
      (options.onError ?? report)(error);
    } catch (worse) {
      report(worse);
    }
  }

  function endQueues(): void {
    for (const queue of queues) void queue.return();
  }

  function safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      onError(error);
    }
  }

  /** @throws {TailwireError} `misuse`, or why the client has closed by itself */
  function checkUsable(): void {
    if (closed) throw new TailwireError("misuse", "this client was closed");
    if (closedBy !== undefined) throw closedBy;
    if (base === "") throw new TailwireError("misuse", `outside a page ${url} is not the URL of a server`);
  }

  function read<T>(
    name: string,
    onEvent: (event: ReceivedEvent<T>) => void,
    { from = "now", schema, onGap = options.onGap }: SubscribeOptions<T>,
  ): Reader {
    checkUsable();
    const channel = parseChannelName(name);
    const start = startOf(channel, from);
    const reader: Reader = createReader({
      channel,
      from: start,
      deliver: createDelivery({
        onEvent: (event) => reader.closed || onEvent(event),
        onGap: (gap) => reader.closed || onGap?.(gap),
        onError,
        schema,
        full: () => reader.pause(),
        drained: () => reader.resume(),
      }),
      feedAt: () => feed.at(channel),
      catchUp: (listener) => session({ ...listener, state: () => {}, error: onError }),
    });
    return reader;
  }

  return {
    subscribe(channel, onEvent, more = {}) {
      const reader = read(channel, onEvent, more);
      subscriptions.add(reader);
      return () => subscriptions.remove(reader);
    },

    events<T>(channels: string | readonly string[], { signal, ...more }: EventsOptions<T> = {}) {
      const queue = createQueue<ReceivedEvent<T>>(
        {
          pause: () => each((reader) => reader.pause()),
          resume: () => each((reader) => reader.resume()),
          ended() {
            queues.delete(queue);
            each((reader) => subscriptions.remove(reader));
          },
        },
        signal,
      );
      const each = (run: (reader: Reader) => void) => {
        for (const reader of readers) run(reader);
      };
      queues.add(queue);
      const readers = [channels].flat().map((channel) => read<T>(channel, queue.push, more));
      if (!signal?.aborted) for (const reader of readers) subscriptions.add(reader);
      return queue;
    },

    async publish(channel, data, more = {}) {
      checkUsable();
      return publisher.publish(parseChannelName(channel), data, more);
    },

    on(_type, listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    close() {
      if (closed) return;
      closed = true;
      unwatch();
      endQueues();
      subscriptions.close();
      feed.close();
      publisher.close();
    },

    get state() {
      return state;
    },

    get transport() {
      return feed.transport;
    },
  };
}

/**
 * Where one channel begins: a cursor of several names each.
 * @throws {TailwireError} `invalid_parameter`
 */
function startOf(channel: string, from: string): string {
  const named = from.split(",").find((part) => part.startsWith(`${channel}=`));
  const start = named?.slice(channel.length + 1) ?? (from.includes("=") ? "now" : from);
  if (/^(now|earliest|-\d+|\w+:\d+)$/.test(start)) return start;
  throw new TailwireError("invalid_parameter", "from is now, earliest, -N or a cursor", { parameter: "from" });
}

/**
 * Where the server's routes begin; "" for a path outside a page, as when a page is drawn on a server, which may have a
 * client, but not use it.
 * @throws {TailwireError} `misuse`
 */
function baseOf(url: string | URL): string {
  const isPath = !/^\w+:/.test(`${url}`);
  if (isPath && typeof document !== "object") return "";
  const base = new URL(url, isPath ? document.baseURI : undefined);
  if (!/^https?:/.test(base.href)) throw new TailwireError("misuse", `${url} is not the URL of a server`);
  base.search = base.hash = "";
  return base.href.replace(/\/?$/, "/");
}

/** As an uncaught error would be told, without ending anything. */
function report(error: unknown): void {
  const { reportError = console.error } = globalThis;
  reportError(error);
}
