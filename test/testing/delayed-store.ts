/** A store that answers with promises, each in its own time, as one at the other end of a network does. */

import type { ChannelName } from "../../src/core/channel-name.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { From } from "../../src/core/cursor.ts";
import type { ChannelEvent, EventInput } from "../../src/core/event.ts";
import type { Appended, Purgeable, Read, ReadLimit, Store } from "../../src/core/store.ts";
import { seededRandom } from "../../src/testing/random.ts";

/** The most turns of the event loop that one way takes. */
const MAX_TURNS = 3;

/**
 * Puts a network of random delays, the same ones for the same seed, before a store that answers at once. What a
 * channel is asked for arrives in order, and so does what its followers are told; all else overtakes.
 */
export class DelayedStore implements Store, Purgeable {
  readonly #store: Store & Purgeable;
  readonly #random: () => number;
  readonly #appends = new Map<ChannelName, Promise<unknown>>();

  constructor(store: Store & Purgeable, seed: number) {
    this.#store = store;
    this.#random = seededRandom(seed);
  }

  append(channel: ChannelName, input: EventInput): Promise<Appended> {
    return this.#inOrder(channel, () => this.#store.append(channel, input));
  }

  purge(channel: ChannelName): Promise<boolean> {
    return this.#inOrder(channel, () => this.#store.purge(channel));
  }

  async read(channel: ChannelName, from: From, limit: ReadLimit): Promise<Read> {
    await this.#delay();
    const read = await this.#store.read(channel, from, limit);
    await this.#delay();
    return read;
  }

  follow(channel: ChannelName, listener: (event: ChannelEvent) => void): () => void {
    let following = true;
    let told: Promise<void> = Promise.resolve();
    const unfollow = this.#store.follow(channel, (event) => {
      const arrives = this.#delay();
      told = told
        .then(() => arrives)
        .then(() => {
          if (following) listener(event);
        });
    });
    return () => {
      following = false;
      unfollow();
    };
  }

  async close(): Promise<void> {
    await this.#store.close?.();
  }

  async #inOrder<T>(channel: ChannelName, run: () => T | Promise<T>): Promise<T> {
    const before = this.#appends.get(channel) ?? Promise.resolve();
    const arrives = this.#delay();
    const done = before.then(() => arrives).then(run);
    this.#appends.set(
      channel,
      done.catch(() => {}),
    );
    const answer = await done;
    await this.#delay();
    return answer;
  }

  async #delay(): Promise<void> {
    const turns = Math.floor(this.#random() * (MAX_TURNS + 1));
    for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => systemClock.soon(resolve));
  }
}
