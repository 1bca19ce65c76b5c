/** What a client under test has told, in the order it told it, and waiting for it. */

import { inspect } from "node:util";
import { conditions } from "./conditions.ts";
import type { Told } from "./recorder.ts";

type ToldOf<K extends Told["kind"]> = Extract<Told, { kind: K }>;

export class Inbox {
  readonly all: Told[] = [];
  readonly #conditions = conditions();

  #follower: (told: Told) => void = () => {};

  /** Hands on what comes from now on, as it comes. */
  follow(follower: (told: Told) => void): void {
    this.#follower = follower;
  }

  add(...told: readonly Told[]): void {
    this.all.push(...told);
    for (const each of told) this.#follower(each);
    this.#conditions.changed();
  }

  of<K extends Told["kind"]>(kind: K): ToldOf<K>[] {
    return this.all.filter((told): told is ToldOf<K> => told.kind === kind);
  }

  events(channel?: string): ToldOf<"event">[] {
    return this.of("event").filter((event) => channel === undefined || event.channel === channel);
  }

  /** The data of all events, of one channel or of all. */
  data(channel?: string): unknown[] {
    return this.events(channel).map(({ data }) => data);
  }

  /** The last state that was told. */
  get state(): string | undefined {
    return this.of("state").at(-1)?.state;
  }

  /** Settles once it holds. @throws {Error} with what was told instead */
  until(what: string, holds: () => boolean): Promise<void> {
    return this.#conditions.until(what, holds, () => this.#summary());
  }

  /** Settles once there are so many events. */
  count(events: number, channel?: string): Promise<void> {
    return this.until(`${events} events`, () => this.events(channel).length >= events);
  }

  /** Settles once there are so many more events than now. */
  more(events: number): Promise<void> {
    return this.count(this.events().length + events);
  }

  /** Settles once the last state that was told is this one. */
  reaches(state: string): Promise<void> {
    return this.until(`the state ${state}`, () => this.state === state);
  }

  #summary(): string {
    const rest = this.all.filter(({ kind }) => kind !== "event");
    const ids = this.events().map(({ channel, id }) => `${channel} ${id}`);
    return inspect({ events: ids.length, last: ids.slice(-5), rest: rest.slice(-12) }, { breakLength: 160, depth: 4 });
  }
}
