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
import { type Position, samePosition } from "../../core/position.ts";
import type { Read, ReadLimit } from "../../core/store.ts";
import type { Connection } from "./connection.ts";
import { unavailable } from "./failure.ts";
import type { Node } from "./nodes.ts";

export type Listener = (event: ChannelEvent) => void;

export interface FollowersSettings {
  readonly clock: Clock;
  readonly sharded: boolean;
  /** The Pub/Sub channel of a channel. */
  nameOf(channel: ChannelName): string;
  /** @throws {TailwireError} where it is not known */
  nodeOf(channel: ChannelName): Node;
  unpack(channel: ChannelName, message: Buffer): ChannelEvent;
  /** Told of what Redis has refused. */
  failed(error: Error): void;
  read(channel: ChannelName, after: Position, limit: ReadLimit): Promise<Read>;
}

/** How often the heads are looked at, in milliseconds. */
const LOOK_MS = 30_000;
/** How long after a failed read it is tried again, in milliseconds. */
const RETRY_MS = 500;
/** Reads under way at once, of all those that catch up. */
const MAX_READS = 16;
/** How much is read at once to catch up. */
const LIMIT: ReadLimit = { maxEvents: 500, maxBytes: 512 * 1024 };
/** Events that wait while a channel catches up; beyond that they are dropped, and read. */
const MAX_HELD = 1000;

/** A channel that is followed. */
interface Followed {
  readonly channel: ChannelName;
  readonly listeners: Set<Listener>;
  /** `away`: not subscribed to, and nobody can say when it will be. */
  state: "subscribing" | "live" | "catching-up" | "away";
  /** Takes what is published; made anew for each subscription, so that none is told by one before. */
  hear: (message: Buffer) => void;
  connection: Connection | undefined;
  /** The newest event that its followers were told of, or else what a read has called the head. */
  told: Position | undefined;
  /** Whether `told` is an event that they were told of: then that is not told again. */
  heard: boolean;
  held: ChannelEvent[];
  waiting: { resolve(): void; reject(error: Error): void }[];
}

export class Followers {
  readonly #settings: FollowersSettings;
  readonly #followed = new Map<ChannelName, Followed>();
  readonly #behind: Followed[] = [];
  #reads = 0;
  #look: Cancel | undefined;
  #closed = false;

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

  /**
   * Settles when what is published from now on will be told, where the channel is followed.
   * @returns {} undefined where that is so already, or nobody follows
   * @throws {TailwireError} `store_unavailable` where it is not known when that will be
   */
  subscribed(channel: ChannelName): Promise<void> | undefined {
    const followed = this.#followed.get(channel);
    if (followed === undefined) return undefined;
    if (followed.state === "away") throw unavailable("Redis cannot tell of new events now");
    if (followed.state !== "subscribing") return undefined;
    return new Promise((resolve, reject) => followed.waiting.push({ resolve, reject }));
  }

  /** A read was answered: what is missed later is what follows its head. */
  sawHead(channel: ChannelName, head: Position): void {
    const followed = this.#followed.get(channel);
    if (followed !== undefined && followed.told === undefined) followed.told = head;
  }

  /** A node can tell of events: its channels are subscribed to. */
  tells(node: Node, connection: Connection): void {
    for (const followed of this.#followed.values()) {
      if (this.#nodeOf(followed.channel) === node) this.#subscribe(followed, connection);
    }
  }

  toldNoMore(): void {
    for (const followed of this.#followed.values()) {
      const node = this.#nodeOf(followed.channel);
      if (node === undefined || !node.telling.isOpen) this.#wait(followed, node);
    }
  }

  /** Channels may be at other nodes than before. */
  moved(): void {
    for (const followed of this.#followed.values()) {
      const node = this.#nodeOf(followed.channel);
      if (node === undefined || !node.telling.isOpen) this.#wait(followed, node);
      else if (node.telling.connection !== followed.connection) {
        this.#unsubscribe(followed);
        this.#subscribe(followed, node.telling.connection);
      }
    }
  }

  /** A node has ended a subscription, by the name of its Pub/Sub channel, since the slot went to another. */
  ended(name: string): void {
    for (const followed of this.#followed.values()) {
      if (this.#settings.nameOf(followed.channel) === name)
        this.#refused(followed, unavailable("the channel has moved"));
    }
  }

  close(): void {
    this.#closed = true;
    this.#look?.();
    for (const followed of [...this.#followed.values()]) this.#end(followed);
  }

  #begin(channel: ChannelName): Followed {
    const followed: Followed = {
      channel,
      listeners: new Set(),
      state: "subscribing",
      hear: () => {},
      connection: undefined,
      told: undefined,
      heard: false,
      held: [],
      waiting: [],
    };
    this.#followed.set(channel, followed);
    const node = this.#nodeOf(channel);
    if (node?.telling.isOpen) this.#subscribe(followed, node.telling.connection);
    else this.#wait(followed, node);
    this.#lookLater();
    return followed;
  }

  #end(followed: Followed): void {
    this.#followed.delete(followed.channel);
    this.#unsubscribe(followed);
    this.#release(followed, unavailable("nobody follows any more"));
    if (this.#followed.size > 0) return;
    this.#look?.();
    this.#look = undefined;
  }

  #nodeOf(channel: ChannelName): Node | undefined {
    try {
      return this.#settings.nodeOf(channel);
    } catch {
      return undefined;
    }
  }

  #subscribe(followed: Followed, connection: Connection): void {
    const hear = (message: Buffer) => this.#hear(followed, message);
    followed.state = "subscribing";
    followed.hear = hear;
    followed.connection = connection;
    followed.held = [];
    const isCurrent = () => followed.hear === hear && this.#followed.get(followed.channel) === followed;
    connection.subscribe(this.#settings.nameOf(followed.channel), this.#settings.sharded, hear).then(
      () => isCurrent() && this.#subscribed(followed),
      (error) => isCurrent() && this.#refused(followed, error),
    );
  }

  #subscribed(followed: Followed): void {
    this.#release(followed);
    this.#catchUp(followed);
  }

  #refused(followed: Followed, error: Error): void {
    this.#release(followed, error);
    this.#settings.failed(error);
    followed.state = "away";
    followed.connection = undefined;
    followed.hear = () => {};
    this.#settings.clock.after(RETRY_MS, () => this.#again(followed));
  }

  #again(followed: Followed): void {
    if (this.#followed.get(followed.channel) !== followed || followed.state !== "away") return;
    const node = this.#nodeOf(followed.channel);
    if (node?.telling.isOpen) this.#subscribe(followed, node.telling.connection);
  }

  #unsubscribe(followed: Followed): void {
    followed.connection?.unsubscribe(this.#settings.nameOf(followed.channel), this.#settings.sharded, followed.hear);
    followed.connection = undefined;
    followed.hear = () => {};
  }

  /** Until its node can tell of events: for as long as an attempt is under way, those who wait may hope. */
  #wait(followed: Followed, node: Node | undefined): void {
    followed.connection = undefined;
    followed.hear = () => {};
    followed.held = [];
    if (node !== undefined && !node.telling.isAway) {
      followed.state = "subscribing";
      return;
    }
    followed.state = "away";
    this.#release(followed, unavailable("Redis cannot tell of new events now"));
  }

  #release(followed: Followed, error?: Error): void {
    const { waiting } = followed;
    followed.waiting = [];
    for (const { resolve, reject } of waiting) error === undefined ? resolve() : reject(error);
  }

  #hear(followed: Followed, message: Buffer): void {
    const event = this.#settings.unpack(followed.channel, message);
    if (followed.state === "live") {
      this.#tell(followed, event);
      return;
    }
    if (followed.held.length === MAX_HELD) followed.held = []; // the next one shows the hole
    followed.held.push(event);
  }

  #tell(followed: Followed, event: ChannelEvent): void {
    const { told, heard } = followed;
    const { epoch, offset } = event.position;
    if (heard && told !== undefined && told.epoch === epoch && offset <= told.offset) return;
    followed.told = event.position;
    followed.heard = true;
    for (const listener of followed.listeners) listener(event);
  }

  #catchUp(followed: Followed): void {
    if (followed.told === undefined) {
      this.#goLive(followed);
      return;
    }
    followed.state = "catching-up";
    this.#behind.push(followed);
    this.#readNext();
  }

  #readNext(): void {
    while (this.#reads < MAX_READS) {
      const followed = this.#behind.shift();
      if (followed === undefined) return;
      if (!this.#isBehind(followed)) continue;
      this.#reads += 1;
      void this.#readOn(followed).finally(() => {
        this.#reads -= 1;
        this.#readNext();
      });
    }
  }

  #isBehind(followed: Followed): boolean {
    return followed.state === "catching-up" && this.#followed.get(followed.channel) === followed;
  }

  async #readOn(followed: Followed): Promise<void> {
    const { hear } = followed;
    try {
      const after = followed.told as Position;
      const read = await this.#settings.read(followed.channel, after, LIMIT);
      if (!this.#isBehind(followed) || followed.hear !== hear) return;
      for (const event of read.events) this.#tell(followed, event);
      const reached = read.events.at(-1)?.position ?? read.gap?.next ?? after;
      if (read.events.length === 0) followed.told = reached;
      if (samePosition(reached, read.head) && this.#holdsOn(followed)) this.#goLive(followed);
      else this.#behind.push(followed);
    } catch {
      this.#settings.clock.after(RETRY_MS, () => {
        if (this.#isBehind(followed) && followed.hear === hear) this.#catchUp(followed);
      });
    }
  }

  /** Whether what is held goes on from what was told. */
  #holdsOn({ told, held }: Followed): boolean {
    const [first] = held;
    if (first === undefined || told === undefined || first.position.epoch !== told.epoch) return true;
    return first.position.offset <= told.offset + 1;
  }

  #goLive(followed: Followed): void {
    followed.state = "live";
    const { held } = followed;
    followed.held = [];
    for (const event of held) this.#tell(followed, event);
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#look ??= this.#settings.clock.after(LOOK_MS, () => {
      this.#look = undefined;
      for (const followed of this.#followed.values()) {
        if (followed.state === "live") this.#catchUp(followed);
      }
      if (this.#followed.size > 0) this.#lookLater();
    });
  }
}
