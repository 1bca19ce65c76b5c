/** The object that owns the channels on this node: publishes into the store, and opens subscriptions. */

import { Channel } from "./channel.ts";
import { type ChannelName, parseChannelName, parseChannelNames } from "./channel-name.ts";
import { checkStore } from "./check-store.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type From, formatCursor, parseFrom } from "./cursor.ts";
import { Ending, type EndingListener } from "./ending.ts";
import { TailwireError } from "./errors.ts";
import {
  checkIdempotencyKey,
  checkKey,
  checkSize,
  checkType,
  dataFromValue,
  type EventInput,
  type ReceivedEvent,
  type ReceivedGap,
} from "./event.ts";
import { Flusher } from "./flusher.ts";
import { FrameCache } from "./frame-cache.ts";
import { iterate } from "./iterate.ts";
import { formatPosition, type Position } from "./position.ts";
import { checkNumber, type HubSettings, withDefaults } from "./settings.ts";
import { type Appended, isPurgeable, type MaybePromise, type Read, type ReadLimit, type Store } from "./store.ts";
import { CATCH_UP_LIMIT, type Place, type Release, Subscription } from "./subscription.ts";

export interface PublishOptions {
  /** The event's type (`message`): 1 to 128 characters, not beginning with `$`. */
  readonly type?: string;
  /** The event's key: 1 to 256 characters. */
  readonly key?: string;
  /** The same idempotency key on the same channel within 10 minutes makes one event. */
  readonly idempotencyKey?: string;
}

/** What a publish made. */
export interface Published {
  /** The event's position, `epoch:offset`. */
  readonly id: string;
  readonly channel: string;
}

export interface SubscribeOptions {
  /** Where to begin: `now` (the default), `earliest`, `-N` (the last N events), or a cursor. */
  readonly from?: string;
  /** Ends the subscription when it is aborted. */
  readonly signal?: AbortSignal;
}

export class Hub {
  readonly settings: HubSettings;
  readonly clock: Clock;
  readonly #store: Store;
  readonly #flusher: Flusher;
  readonly #frames: FrameCache;
  readonly #channels = new Map<ChannelName, Channel>();
  readonly #ending: Ending;
  #closed: Promise<void> | undefined;

  constructor(store: Store, settings: Partial<HubSettings> = {}, clock: Clock = systemClock) {
    this.settings = withDefaults(settings);
    this.clock = clock;
    this.#store = store;
    this.#flusher = new Flusher(clock, this.settings.flushMs);
    this.#frames = new FrameCache(clock);
    this.#ending = new Ending(clock);
  }

  /** Whether it has closed, or is about to. */
  get closed(): boolean {
    return this.#ending.state === "closed";
  }

  /** Whether it takes no new subscriptions any more: it drains, or has closed. */
  get draining(): boolean {
    return this.#ending.state !== "open";
  }

  /**
   * Appends an event to a channel. A string is text, an ArrayBuffer or a view of one (Uint8Array) binary, anything
   * else JSON. Await it: that paces a publisher that is quicker than the fan-out.
   * @throws {TailwireError} `invalid_channel`, `invalid_parameter`, `invalid_data`, `event_too_large`, `shutting_down`
   */
  async publish(channel: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    const name = parseChannelName(channel);
    const { type, key, idempotencyKey } = options;
    const { position } = await this.append(name, {
      data: checkSize(dataFromValue(data), this.settings.maxEventBytes),
      type: type === undefined ? "message" : checkType(type),
      key: key === undefined ? undefined : checkKey(key),
      idempotencyKey: idempotencyKey === undefined ? undefined : checkIdempotencyKey(idempotencyKey),
    });
    await this.paced(name);
    return { id: formatPosition(position), channel };
  }

  /**
   * The events of one or several channels as they come, and the gaps. It reads no further ahead than its
   * consumer by more than a flush; ends with `return`, the signal or {@link close}.
   * @throws {TailwireError} `invalid_channel`, `invalid_parameter`; `invalid_cursor` at the first `next`
   */
  subscribe<T = unknown>(
    channels: string | readonly string[],
    options: SubscribeOptions = {},
  ): AsyncIterableIterator<ReceivedEvent<T> | ReceivedGap> {
    const names = parseChannelNames(typeof channels === "string" ? [channels] : channels);
    const from = parseFrom(options.from ?? "now", names);
    return iterate<T>(() => this.open(names, from), this, options.signal);
  }

  /**
   * The cursor of one or several channels at this moment: what is subscribed `from` it follows without a gap.
   * @throws {TailwireError} `invalid_channel`
   */
  async cursor(channels: string | readonly string[]): Promise<string> {
    const names = parseChannelNames(typeof channels === "string" ? [channels] : channels);
    return this.head(names);
  }

  /**
   * Drops a channel's events; the next begins a new epoch. False where there was nothing to drop.
   * @throws {TailwireError} `invalid_channel`; `not_supported` where the store cannot
   */
  async purge(channel: string): Promise<boolean> {
    const name = parseChannelName(channel);
    this.#refuseWhenClosed();
    if (!isPurgeable(this.#store)) throw new TailwireError("not_supported", "this store cannot purge a channel");
    return this.#store.purge(name);
  }

  /**
   * Whether it takes new subscriptions: not while it drains, and not while its store is away.
   * @throws {TailwireError} `shutting_down`, `store_unavailable`
   */
  async ready(): Promise<void> {
    this.#refuseWhenDraining();
    await checkStore(this.#store, this.clock);
    this.#refuseWhenDraining();
  }

  /**
   * Prepares a restart: takes no new subscriptions, tells connections to come back, each at a time of its own within the
   * drain, and answers polls. What is published meanwhile is taken and answered; {@link close} comes after it.
   * @param drainMs how long it may last, 0 to 2,147,483,647
   * @returns settles when no connection is open and no publish under way, at the latest when the time is over
   * @throws {TailwireError} `misuse`
   */
  drain(drainMs: number): Promise<void> {
    checkNumber("drainMs", drainMs, 0);
    this.#flusher.flushAll();
    return this.#ending.drain(drainMs);
  }

  /** Flushes, ends every subscription and connection, and closes the store. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  // What follows is for the server: names are parsed, and nothing waits that need not.

  /** Appends an event whose size and words have been checked; no promise where the store answers at once. */
  append(channel: ChannelName, input: EventInput): MaybePromise<Appended> {
    this.#refuseWhenClosed();
    return this.#store.append(channel, input);
  }

  /** A promise where a publisher of the channel should wait before the next event, so that the fan-out keeps up. */
  paced(channel: ChannelName): Promise<void> | undefined {
    return this.#channels.get(channel)?.paced();
  }

  /** The cursor of the channels' newest events. */
  async head(names: readonly ChannelName[]): Promise<string> {
    this.#refuseWhenClosed();
    const cursor = new Map<ChannelName, Position>();
    for (const name of names) {
      const { head } = await this.#store.read(name, { kind: "now" }, { maxEvents: 0, maxBytes: 0 });
      cursor.set(name, head);
    }
    return formatCursor(cursor);
  }

  /**
   * Opens a subscription, not begun, at the places that `from` names.
   * @param limit how much of each channel is read with it
   * @param lasting whether it is to outlast one read: that is refused during a drain
   * @throws {TailwireError} `invalid_cursor` for a position that the log has not reached, `shutting_down`
   */
  open(
    names: readonly ChannelName[],
    from: ReadonlyMap<ChannelName, From>,
    limit: ReadLimit = CATCH_UP_LIMIT,
    lasting = true,
  ): MaybePromise<Subscription> {
    this.#refuse(lasting);
    const channels = names.map((name) => this.#pin(name));
    try {
      const reads = channels.map((channel) => this.#begin(channel, from.get(channel.name) ?? { kind: "now" }, limit));
      if (!reads.some((read) => read instanceof Promise)) return this.#subscription(channels, reads as Read[], lasting);
      return Promise.all(reads)
        .then((all) => this.#subscription(channels, all, lasting))
        .catch((error) => this.#giveUp(channels, error));
    } catch (error) {
      return this.#giveUp(channels, error);
    }
  }

  /** Calls the listener when the hub drains and when it closes, or soon where it has; returns the way to take that back. */
  whenEnding(listener: EndingListener): () => void {
    return this.#ending.listen(listener);
  }

  /** Something is under way, for which a drain waits until the returned function is called. */
  hold(): () => void {
    return this.#ending.hold();
  }

  #subscription(channels: readonly Channel[], reads: readonly Read[], lasting: boolean): Subscription {
    this.#refuse(lasting);
    return new Subscription(
      channels.map((channel, index) => placeAt(channel, reads[index] as Read)),
      this.#unpin,
    );
  }

  #giveUp(channels: readonly Channel[], error: unknown): never {
    for (const channel of channels) this.#unpin(channel);
    throw error;
  }

  #begin(channel: Channel, from: From, limit: ReadLimit): MaybePromise<Read> {
    const opened = channel.opened();
    if (opened instanceof Promise) return opened.then(() => this.#store.read(channel.name, from, limit));
    return this.#store.read(channel.name, from, limit);
  }

  #pin(name: ChannelName): Channel {
    const channel = this.#channels.get(name) ?? new Channel(name, this.#store, this.#flusher, this.#frames, this.clock);
    this.#channels.set(name, channel);
    channel.users += 1;
    return channel;
  }

  readonly #unpin: Release = (channel) => {
    channel.users -= 1;
    if (channel.users > 0) return;
    channel.close();
    this.#channels.delete(channel.name);
  };

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) throw new TailwireError("shutting_down", "the hub is closed");
  }

  #refuseWhenDraining(): void {
    if (this.draining) throw new TailwireError("shutting_down", "the server is shutting down");
  }

  #refuse(lasting: boolean): void {
    if (lasting) this.#refuseWhenDraining();
    else this.#refuseWhenClosed();
  }

  async #shutDown(): Promise<void> {
    this.#flusher.flushAll();
    this.#ending.close();
    this.#frames.clear();
    await this.#store.close?.();
  }
}

/** The place where a read began, with what it brought. */
function placeAt(channel: Channel, read: Read): Place {
  if (read.start.epoch === read.head.epoch && read.start.offset > read.head.offset) {
    throw new TailwireError(
      "invalid_cursor",
      `${formatPosition(read.start)} is ahead of ${channel.name}, whose newest event is ${formatPosition(read.head)}`,
    );
  }
  const brought = read.gap !== undefined || read.events.length > 0;
  return { channel, position: read.start, ahead: brought ? read : undefined };
}
