/**
 * The store over Redis. Each call is one script at one node; each event comes back to those who follow with the
 * notification itself, so that nothing is read for it.
 *
 * What this node has seen of a log (an answer, a notification) it tells with each call: where Redis knows less, it has
 * lost events, and the script begins a new epoch rather than give out the same offsets again.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { type Clock, newEpoch } from "../../core/clock.ts";
import type { From } from "../../core/cursor.ts";
import { TailwireError } from "../../core/errors.ts";
import type { ChannelEvent, EventInput } from "../../core/event.ts";
import type { Position } from "../../core/position.ts";
import type { Appended, Purgeable, Read, ReadLimit, Store, Watched } from "../../core/store.ts";
import { Generations } from "../generations.ts";
import { packEvent, packFrom, unpackAppended, unpackNotification, unpackRead } from "./codec.ts";
import { unavailable } from "./failure.ts";
import type { Listener } from "./followed.ts";
import { Followers } from "./followers.ts";
import type { Keys } from "./keys.ts";
import { Nodes } from "./nodes.ts";
import type { ScriptName } from "./scripts.ts";
import type { Topology } from "./topology.ts";

export interface RedisStoreSettings {
  readonly topology: Topology;
  readonly keys: Keys;
  readonly scripts: Readonly<Record<ScriptName, string>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Channels of which this node remembers the highest position: the newest half in any case. About 150 bytes each. */
const MAX_KNOWN = 200_000;
const NOTHING: Position = { epoch: "", offset: 0 };

export class RedisStore implements Store, Purgeable, Watched {
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #nodes: Nodes;
  readonly #followers: Followers;
  readonly #known = new Generations<ChannelName, Position>(MAX_KNOWN);

  constructor({ topology, keys, ...settings }: RedisStoreSettings) {
    this.#keys = keys;
    this.#clock = settings.clock;
    this.#followers = new Followers({
      clock: settings.clock,
      sharded: topology.sharded,
      nameOf: (channel) => keys.live(channel),
      nodeOf: (channel) => this.#nodes.of(channel),
      unpack: (channel, message) => this.#unpack(channel, message),
      failed: (error) => this.#nodes.failed(error),
      read: (channel, position, limit) => this.#read(channel, { kind: "after", position }, limit),
    });
    this.#nodes = new Nodes(topology, settings, this.#followers);
  }

  async append(channel: ChannelName, input: EventInput): Promise<Appended> {
    const { idempotencyKey } = input;
    const once = idempotencyKey === undefined ? [] : [`${this.#keys.meta(channel)}:once:${idempotencyKey}`];
    const appended = unpackAppended(await this.#run("append", channel, once, [packEvent(input)]));
    this.#learn(channel, appended.position);
    return appended;
  }

  async read(channel: ChannelName, from: From, limit: ReadLimit): Promise<Read> {
    await this.#nodes.started;
    const subscribed = this.#followers.subscribed(channel);
    if (subscribed !== undefined) await subscribed;
    const read = await this.#read(channel, from, limit);
    this.#followers.sawHead(channel, read.head);
    return read;
  }

  async purge(channel: ChannelName): Promise<boolean> {
    return (await this.#run("purge", channel, [], [])) === 1;
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    return this.#followers.follow(channel, listener);
  }

  async ready(): Promise<void> {
    await this.#nodes.started;
    await this.#nodes.check();
  }

  /** Ends the subscriptions, then the connections once all that was asked has been answered. */
  async close(): Promise<void> {
    await this.#nodes.started; // what was asked before is then on its way
    this.#followers.close();
    await this.#nodes.close();
  }

  async #read(channel: ChannelName, from: From, { maxEvents, maxBytes }: ReadLimit): Promise<Read> {
    const limit = [maxEvents, maxBytes].map((value) => String(Math.min(value, Number.MAX_SAFE_INTEGER)));
    const read = unpackRead(channel, from, await this.#run("read", channel, [], [...packFrom(from), ...limit]));
    this.#learn(channel, read.head);
    return read;
  }

  async #run(
    script: ScriptName,
    channel: ChannelName,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    await this.#nodes.started; // also when it has long started: so all calls keep their order
    const meta = this.#keys.meta(channel);
    const { epoch, offset } = this.#known.get(channel) ?? NOTHING;
    try {
      const { connection } = this.#nodes.of(channel).asking;
      return await connection.run(
        script,
        [meta, `${meta}:log`, ...keys],
        [newEpoch(this.#clock), epoch, String(offset), ...args],
      );
    } catch (error) {
      this.#nodes.failed(error);
      // That Redis can never be used is for ready to say: to a publisher it is away.
      throw error instanceof TailwireError && error.code === "misuse" ? unavailable(error.message, error) : error;
    }
  }

  #unpack(channel: ChannelName, message: Buffer): ChannelEvent {
    const event = unpackNotification(channel, message);
    // A notification may be older than an answer: of an epoch it says nothing.
    const known = this.#known.get(channel);
    if (known === undefined || known.epoch === event.position.epoch) this.#learn(channel, event.position);
    return event;
  }

  /** Answers come in order, so another epoch is a newer one. */
  #learn(channel: ChannelName, position: Position): void {
    const known = this.#known.get(channel);
    if (known !== undefined && known.epoch === position.epoch && known.offset >= position.offset) return;
    this.#known.set(channel, position);
  }
}
