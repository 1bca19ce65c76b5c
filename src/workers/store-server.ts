/**
 * The primary's end: answers the workers from the one store, and tells each of the events of the channels that it
 * follows.
 *
 *     worker ──append──▶ store ──follow──▶ every worker that follows the channel
 *        ▲                                     │ has not taken enough, or holds the channel
 *        └── appended ◀── as soon as none does ┘
 *
 * So publishers are held back by the slowest worker, but not by one that has stopped: after two seconds of silence
 * it is told of no more events, and when it is heard of again, of the newest one of each channel, from which its hub
 * learns that it has to read the log.
 */

import type { ChannelName } from "../core/channel-name.ts";
import { type Cancel, type Clock, systemClock } from "../core/clock.ts";
import { TailwireError } from "../core/errors.ts";
import type { ChannelEvent } from "../core/event.ts";
import { isPurgeable, type MaybePromise, type Store } from "../core/store.ts";
import type { Link } from "./link.ts";
import { type Ask, packEvent, packRead, type Tell, unpackInput } from "./messages.ts";
import { Peer } from "./peer.ts";

/** How often it is looked whether those who are waited for have said anything, in milliseconds. */
const PATIENCE_MS = 1000;

/** The workers that follow one channel. */
interface Followed {
  readonly peers: Set<Peer>;
  readonly unfollow: () => void;
}

/** An answer that waits until the workers that follow the channel can take more. */
interface Held {
  readonly channel: ChannelName;
  readonly peer: Peer;
  readonly answer: Tell;
}

export class StoreServer {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #peers = new Set<Peer>();
  readonly #followed = new Map<ChannelName, Followed>();
  #held: Held[] = [];
  #watch: Cancel | undefined;

  constructor(store: Store, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Serves the worker at the other end of a link, until the link ends. */
  join(link: Link): void {
    const peer = new Peer(link, this.#clock, {
      take: (messages) => this.#take(peer, messages as readonly Ask[]),
      closed: () => this.#leave(peer),
    });
    this.#peers.add(peer);
  }

  #take(peer: Peer, messages: readonly Ask[]): void {
    for (const channel of peer.heard()) this.#tellNewest(peer, channel);
    for (const message of messages) this.#obey(peer, message);
  }

  #obey(peer: Peer, message: Ask): void {
    switch (message[0]) {
      case "append":
        this.#append(peer, message);
        break;
      case "read":
        this.#read(peer, message);
        break;
      case "purge":
        this.#purge(peer, message);
        break;
      case "follow":
        this.#follow(peer, message[1]);
        break;
      case "hold":
        peer.hold(message[1]);
        break;
      default:
        this.#ease(peer, message);
    }
  }

  /** What may let publishers go on. */
  #ease(peer: Peer, message: Ask & readonly ["unfollow" | "release" | "taken", unknown]): void {
    if (message[0] === "unfollow") this.#unfollow(peer, message[1]);
    else if (message[0] === "release") peer.release(message[1]);
    else peer.took(message[1]);
    this.#answerHeld();
  }

  #append(peer: Peer, [, id, channel, input]: Ask & readonly ["append", ...unknown[]]): void {
    attempt(
      () => this.#store.append(channel, unpackInput(input)),
      ({ position: { epoch, offset }, duplicate }) =>
        this.#answerWhenTaken(peer, channel, ["appended", id, epoch, offset, duplicate]),
      (error) => peer.say(failed(id, error)),
    );
  }

  #read(peer: Peer, [, id, channel, from, limit]: Ask & readonly ["read", ...unknown[]]): void {
    attempt(
      () => this.#store.read(channel, from, limit),
      (read) => peer.say(["read", id, packRead(read)]),
      (error) => peer.say(failed(id, error)),
    );
  }

  #purge(peer: Peer, [, id, channel]: Ask & readonly ["purge", ...unknown[]]): void {
    attempt(
      () => purge(this.#store, channel),
      (purged) => peer.say(["purged", id, purged]),
      (error) => peer.say(failed(id, error)),
    );
  }

  #follow(peer: Peer, channel: ChannelName): void {
    const followed = this.#followed.get(channel) ?? this.#followChannel(channel);
    followed.peers.add(peer);
    peer.channels.add(channel);
    peer.say(["following", channel]);
  }

  #followChannel(channel: ChannelName): Followed {
    const peers = new Set<Peer>();
    const unfollow = this.#store.follow(channel, (event) => {
      const text = eventMessage(event);
      for (const peer of peers) peer.tell(channel, text);
    });
    const followed = { peers, unfollow };
    this.#followed.set(channel, followed);
    return followed;
  }

  #unfollow(peer: Peer, channel: ChannelName): void {
    const followed = this.#followed.get(channel);
    peer.channels.delete(channel);
    if (followed === undefined || !followed.peers.delete(peer) || followed.peers.size > 0) return;
    followed.unfollow();
    this.#followed.delete(channel);
  }

  #leave(peer: Peer): void {
    this.#peers.delete(peer);
    for (const channel of [...peer.channels]) this.#unfollow(peer, channel);
    this.#answerHeld();
  }

  #answerWhenTaken(peer: Peer, channel: ChannelName, answer: Tell): void {
    if (!this.#isSlow(channel)) {
      peer.say(answer);
      return;
    }
    this.#held.push({ channel, peer, answer });
    this.#watch ??= this.#clock.after(PATIENCE_MS, () => this.#look());
  }

  #answerHeld(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    for (const each of held) {
      if (this.#isSlow(each.channel)) this.#held.push(each);
      else each.peer.say(each.answer);
    }
  }

  #isSlow(channel: ChannelName): boolean {
    for (const peer of this.#followed.get(channel)?.peers ?? []) {
      if (peer.isSlow(channel)) return true;
    }
    return false;
  }

  #look(): void {
    this.#watch = undefined;
    for (const peer of this.#peers) peer.waited();
    this.#answerHeld();
    if (this.#held.length > 0) this.#watch = this.#clock.after(PATIENCE_MS, () => this.#look());
  }

  #tellNewest(peer: Peer, channel: ChannelName): void {
    attempt(
      () => this.#store.read(channel, { kind: "last", count: 1 }, { maxEvents: 1, maxBytes: 0 }),
      ({ events }) => {
        for (const event of events) if (peer.channels.has(channel)) peer.tell(channel, eventMessage(event));
      },
      () => {}, // its hub learns from the next event
    );
  }
}

function eventMessage(event: ChannelEvent): string {
  return JSON.stringify(["event", packEvent(event)] satisfies Tell);
}

function purge(store: Store, channel: ChannelName): MaybePromise<boolean> {
  if (isPurgeable(store)) return store.purge(channel);
  throw new TailwireError("not_supported", "this store cannot purge a channel");
}

function failed(id: number, error: unknown): Tell {
  if (error instanceof TailwireError) return ["failed", id, error.code, error.message];
  return ["failed", id, "internal", `the store failed: ${error}`];
}

/** Hands on what a store answers, at once where it answers at once: that keeps the answers' order. */
function attempt<T>(run: () => MaybePromise<T>, done: (value: T) => void, fail: (error: unknown) => void): void {
  try {
    const value = run();
    if (value instanceof Promise) value.then(done, fail);
    else done(value);
  } catch (error) {
    fail(error);
  }
}
