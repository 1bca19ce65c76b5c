/**
 * Who follows what on this node. A channel that somebody follows is subscribed to; what may have been missed while it
 * was not (the connection was cut, the channel went to another node) is read and told, before anything newer:
 *
 *     follow ──▶ subscribing ──▶ live ──lost──▶ away ──▶ subscribing ──▶ catching-up ──▶ live
 *                                                                          reads on from what was told last
 *
 * A notification can also be lost without a sign, and no later one tells. So each channel's head is looked at now and
 * then as well, which also keeps a channel without events from being forgotten while somebody follows it.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import type { Cancel, Clock } from "../../core/clock.ts";
import type { ChannelEvent } from "../../core/event.ts";
import type { Position } from "../../core/position.ts";
import type { Read, ReadLimit } from "../../core/store.ts";
import type { Connection } from "./connection.ts";
import { unavailable } from "./failure.ts";
import { Followed, type Listener } from "./followed.ts";
import type { Node } from "./nodes.ts";

export interface FollowersSettings {
  readonly clock: Clock;
  readonly sharded: boolean;
  /** The Pub/Sub channel of a channel. */
  nameOf(channel: ChannelName): string;
  /** @throws {TailwireError} where it is not known */
  nodeOf(channel: ChannelName): Node;
  unpack(channel: ChannelName, message: Buffer): ChannelEvent;
  read(channel: ChannelName, after: Position, limit: ReadLimit): Promise<Read>;
  /** Told of what Redis has refused. */
  failed(error: Error): void;
}

/** How often the heads are looked at, in milliseconds. */
const LOOK_MS = 30_000;
/** How long after a failure it is tried again, in milliseconds. */
const RETRY_MS = 500;
/** Reads under way at once, of all those that catch up. */
const MAX_READS = 16;
/** How much is read at once to catch up. */
const LIMIT: ReadLimit = { maxEvents: 500, maxBytes: 512 * 1024 };

export class Followers {
  readonly #settings: FollowersSettings;
  readonly #followed = new Map<ChannelName, Followed>();
  /** Those that catch up and wait for their turn to read. */
  readonly #behind: Followed[] = [];
  #reads = 0;
  #look: Cancel | undefined;

  constructor(settings: FollowersSettings) {
    this.#settings = settings;
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    const followed = this.#followed.get(channel) ?? this.#begin(channel);
    const own: Listener = (event) => listener(event); // the same listener may follow twice
    followed.listeners.add(own);
    return () => {
      if (followed.listeners.delete(own) && followed.listeners.size === 0) this.#end(followed);
    };
  }

  /** See {@link Followed.subscribed}; undefined also where nobody follows. */
  subscribed(channel: ChannelName): Promise<void> | undefined {
    return this.#followed.get(channel)?.subscribed();
  }

  /** See {@link Followed.sawHead}. */
  sawHead(channel: ChannelName, head: Position): void {
    this.#followed.get(channel)?.sawHead(head);
  }

  /** A node can tell of events: its channels are subscribed to. */
  tells(node: Node, connection: Connection): void {
    for (const followed of this.#followed.values()) {
      if (this.#nodeOf(followed.channel) === node) this.#subscribe(followed, connection);
    }
  }

  /** Some node can tell of events no more. */
  toldNoMore(): void {
    for (const followed of this.#followed.values()) {
      const node = this.#nodeOf(followed.channel);
      if (node === undefined || !node.telling.isOpen) followed.cut(mayHope(node));
    }
  }

  /** Channels may be at other nodes than before. */
  moved(): void {
    for (const followed of this.#followed.values()) this.#place(followed);
  }

  /** A node has ended a subscription, by the name of its Pub/Sub channel, since the slot went to another. */
  ended(name: string): void {
    for (const followed of this.#followed.values()) {
      if (this.#settings.nameOf(followed.channel) === name)
        this.#refused(followed, unavailable("the channel has moved"));
    }
  }

  close(): void {
    for (const followed of [...this.#followed.values()]) this.#end(followed);
  }

  #begin(channel: ChannelName): Followed {
    const followed = new Followed(channel);
    this.#followed.set(channel, followed);
    this.#place(followed);
    this.#lookLater();
    return followed;
  }

  #end(followed: Followed): void {
    this.#followed.delete(followed.channel);
    this.#unsubscribe(followed);
    followed.cut(false, unavailable("nobody follows any more"));
    if (this.#followed.size > 0) return;
    this.#look?.();
    this.#look = undefined;
  }

  #isFollowed(followed: Followed): boolean {
    return this.#followed.get(followed.channel) === followed;
  }

  #nodeOf(channel: ChannelName): Node | undefined {
    try {
      return this.#settings.nodeOf(channel);
    } catch {
      return undefined;
    }
  }

  /** Subscribes to a channel where it is, unless it is subscribed to there. */
  #place(followed: Followed): void {
    const node = this.#nodeOf(followed.channel);
    if (node === undefined || !node.telling.isOpen) {
      followed.cut(mayHope(node));
    } else if (node.telling.connection !== followed.connection) {
      this.#unsubscribe(followed);
      this.#subscribe(followed, node.telling.connection);
    }
  }

  #subscribe(followed: Followed, connection: Connection): void {
    const hear = (message: Buffer) => followed.take(this.#settings.unpack(followed.channel, message));
    followed.subscribe(connection, hear);
    const isCurrent = () => followed.hear === hear && this.#isFollowed(followed);
    connection.subscribe(this.#settings.nameOf(followed.channel), this.#settings.sharded, hear).then(
      () => isCurrent() && this.#catchUp(followed),
      (error) => isCurrent() && this.#refused(followed, error),
    );
  }

  #refused(followed: Followed, error: Error): void {
    followed.cut(false, error);
    this.#settings.failed(error);
    this.#settings.clock.after(RETRY_MS, () => {
      if (this.#isFollowed(followed) && followed.state === "away") this.#place(followed);
    });
  }

  #unsubscribe({ channel, connection, hear }: Followed): void {
    connection?.unsubscribe(this.#settings.nameOf(channel), this.#settings.sharded, hear);
  }

  #catchUp(followed: Followed): void {
    if (followed.told === undefined) {
      followed.goLive();
      return;
    }
    followed.catchUp();
    this.#behind.push(followed);
    this.#readNext();
  }

  #readNext(): void {
    while (this.#reads < MAX_READS) {
      const followed = this.#behind.shift();
      if (followed === undefined) return;
      this.#reads += 1;
      void this.#readOn(followed).finally(() => {
        this.#reads -= 1;
        this.#readNext();
      });
    }
  }

  async #readOn(followed: Followed): Promise<void> {
    const { hear, told } = followed;
    const isBehind = () => followed.state === "catching-up" && followed.hear === hear && this.#isFollowed(followed);
    if (told === undefined || !isBehind()) return;
    try {
      const read = await this.#settings.read(followed.channel, told, LIMIT);
      if (isBehind() && !followed.caughtUp(read)) this.#behind.push(followed);
    } catch {
      this.#settings.clock.after(RETRY_MS, () => isBehind() && this.#catchUp(followed));
    }
  }

  #lookLater(): void {
    this.#look ??= this.#settings.clock.after(LOOK_MS, () => {
      this.#look = undefined;
      for (const followed of this.#followed.values()) {
        if (followed.state === "live") this.#catchUp(followed);
      }
      if (this.#followed.size > 0) this.#lookLater();
    });
  }
}

/** Whether a node is about to tell of events, as far as is known. */
function mayHope(node: Node | undefined): boolean {
  return node !== undefined && !node.telling.isAway;
}
