/**
 * A worker's way to the logs, which the primary has: a store whose every answer comes over the link.
 *
 * A worker that publishes may have no subscribers, and the worker whose subscribers cannot keep up no publisher. So
 * each says which channels are to be held, and the primary then lets publishers everywhere wait for their answers.
 */

import type { ChannelName } from "../core/channel-name.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { From } from "../core/cursor.ts";
import { TailwireError } from "../core/errors.ts";
import type { ChannelEvent, EventInput } from "../core/event.ts";
import type { Appended, Purgeable, Read, ReadLimit, Store } from "../core/store.ts";
import { type Link, LinkEnd, type MessageOwner } from "./link.ts";
import { type Ask, type PackedEvent, packInput, type Tell, unpackEvent, unpackRead } from "./messages.ts";

export interface WorkerStoreOptions {
  /** Asked after each delivery: a promise where publishers of the channel should wait, as `Hub.paced` gives it. */
  readonly paced?: (channel: ChannelName) => Promise<void> | undefined;
  readonly clock?: Clock;
}

/** Reads under way at once. An answer has up to 64 KiB, and a thousand clients may come back together. */
const MAX_READS = 32;

type Listener = (event: ChannelEvent) => void;

/** The followers of one channel. */
interface Followed {
  readonly listeners: Set<Listener>;
  /** Follows that the primary has not confirmed: until then what comes was meant for followers before. */
  unconfirmed: number;
}

/** What somebody here waits for. */
interface Asked {
  resolve(answer: Tell): void;
  reject(error: Error): void;
}

export class WorkerStore implements Store, Purgeable, MessageOwner {
  readonly #end: LinkEnd;
  readonly #paced: (channel: ChannelName) => Promise<void> | undefined;
  readonly #asked = new Map<number, Asked>();
  readonly #followed = new Map<ChannelName, Followed>();
  readonly #held = new Set<ChannelName>();
  #state: "open" | "closing" | "closed" = "open";
  readonly #whenClosed: (() => void)[] = [];
  #lastId = 0;
  #reads = 0;
  readonly #readsWaiting: (() => void)[] = [];

  constructor(link: Link, { paced = () => undefined, clock = systemClock }: WorkerStoreOptions = {}) {
    this.#paced = paced;
    this.#end = new LinkEnd(link, clock, this);
  }

  async append(channel: ChannelName, input: EventInput): Promise<Appended> {
    const answer = await this.#ask((id) => ["append", id, channel, packInput(input)]);
    if (answer[0] !== "appended") throw unexpected(answer);
    const [, , epoch, offset, duplicate] = answer;
    return { position: { epoch, offset }, duplicate };
  }

  async read(channel: ChannelName, from: From, limit: ReadLimit): Promise<Read> {
    if (this.#reads >= MAX_READS) await new Promise<void>((resolve) => this.#readsWaiting.push(resolve));
    else this.#reads += 1;
    try {
      const answer = await this.#ask((id) => ["read", id, channel, from, limit]);
      if (answer[0] !== "read") throw unexpected(answer);
      return unpackRead(answer[2]);
    } finally {
      const next = this.#readsWaiting.shift();
      if (next === undefined) this.#reads -= 1;
      else next();
    }
  }

  async purge(channel: ChannelName): Promise<boolean> {
    const answer = await this.#ask((id) => ["purge", id, channel]);
    if (answer[0] !== "purged") throw unexpected(answer);
    return answer[2];
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    const followed = this.#followed.get(channel) ?? { listeners: new Set(), unconfirmed: 0 };
    const own: Listener = (event) => listener(event); // the same listener may follow twice
    if (followed.listeners.size === 0) {
      this.#followed.set(channel, followed);
      followed.unconfirmed += 1;
      this.#say(["follow", channel]);
    }
    followed.listeners.add(own);
    return () => {
      if (!followed.listeners.delete(own) || followed.listeners.size > 0) return;
      this.#say(["unfollow", channel]);
      this.#forget(channel, followed);
    };
  }

  /** Ends the link once all that was asked has been answered. */
  close(): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    this.#state = "closing";
    const closed = new Promise<void>((resolve) => this.#whenClosed.push(resolve));
    this.#closeWhenDone();
    return closed;
  }

  take(messages: readonly unknown[]): void {
    const told = new Set<ChannelName>();
    for (const message of messages as readonly Tell[]) this.#obey(message, told);
    for (const channel of told) this.#pace(channel);
    this.#closeWhenDone();
  }

  closed(): void {
    this.#state = "closed";
    const error = linkIsGone();
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
    for (const resolve of this.#whenClosed) resolve();
  }

  #obey(message: Tell, told: Set<ChannelName>): void {
    switch (message[0]) {
      case "event":
        this.#deliver(message[1], told);
        break;
      case "mark":
        this.#say(["taken", message[1]]);
        break;
      case "following":
        this.#confirm(message[1]);
        break;
      default:
        this.#settle(message[1], message);
    }
  }

  #deliver(packed: PackedEvent, told: Set<ChannelName>): void {
    const followed = this.#followed.get(packed[0]);
    if (followed === undefined || followed.unconfirmed > 0) return;
    const event = unpackEvent(packed);
    for (const listener of followed.listeners) listener(event);
    told.add(event.channel);
  }

  #confirm(channel: ChannelName): void {
    const followed = this.#followed.get(channel);
    if (followed === undefined) return;
    followed.unconfirmed -= 1;
    this.#forget(channel, followed);
  }

  #forget(channel: ChannelName, { listeners, unconfirmed }: Followed): void {
    if (listeners.size === 0 && unconfirmed === 0) this.#followed.delete(channel);
  }

  #pace(channel: ChannelName): void {
    if (this.#held.has(channel)) return;
    const paced = this.#paced(channel);
    if (paced === undefined) return;
    this.#held.add(channel);
    this.#say(["hold", channel]);
    void paced.then(() => {
      this.#held.delete(channel);
      this.#say(["release", channel]);
    });
  }

  #ask(ask: (id: number) => Ask): Promise<Tell> {
    if (this.#state === "closed") return Promise.reject(linkIsGone());
    this.#lastId += 1;
    const id = this.#lastId;
    this.#say(ask(id));
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  #say(ask: Ask): void {
    this.#end.push(JSON.stringify(ask));
  }

  #settle(id: number, answer: Tell): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (answer[0] === "failed") asked?.reject(new TailwireError(answer[2], answer[3]));
    else asked?.resolve(answer);
  }

  #closeWhenDone(): void {
    if (this.#state === "closing" && this.#asked.size === 0) this.#end.close();
  }
}

function linkIsGone(): TailwireError {
  return new TailwireError("shutting_down", "the process that has the logs is gone");
}

function unexpected(answer: Tell): TailwireError {
  return new TailwireError("internal", `the primary answered with ${answer[0]}`);
}
