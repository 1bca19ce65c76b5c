/** A channel that somebody here follows: what its followers were told, and what waits to be told. */

import type { ChannelName } from "../../core/channel-name.ts";
import type { ChannelEvent } from "../../core/event.ts";
import type { Position } from "../../core/position.ts";
import type { Read } from "../../core/store.ts";
import type { Connection } from "./connection.ts";
import { unavailable } from "./failure.ts";

export type Listener = (event: ChannelEvent) => void;

/** Events that wait while a channel catches up; beyond that they are dropped, and read. */
const MAX_HELD = 1000;

export class Followed {
  readonly channel: ChannelName;
  readonly listeners = new Set<Listener>();
  /** Where it is subscribed to, or about to be. */
  connection: Connection | undefined;
  /** Takes what is published there; made anew for each subscription, so that none is told by one before. */
  hear: (message: Buffer) => void = ignore;
  /** `away`: not subscribed to, and nobody can say when it will be. */
  #state: "subscribing" | "live" | "catching-up" | "away" = "away";
  /** The newest event that its followers were told of, or else what a read has called the head. */
  #told: Position | undefined;
  /** Whether `#told` is an event that they were told of: then that is not told again. */
  #heard = false;
  #held: ChannelEvent[] = [];
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];

  constructor(channel: ChannelName) {
    this.channel = channel;
  }

  get state(): "subscribing" | "live" | "catching-up" | "away" {
    return this.#state;
  }

  /** Where its followers stand; undefined where nobody has asked yet, so that nothing can be missed. */
  get told(): Position | undefined {
    return this.#told;
  }

  /**
   * Settles when what is published from now on will be told; undefined where that is so already.
   * @throws {TailwireError} `store_unavailable` where it is not known when that will be
   */
  subscribed(): Promise<void> | undefined {
    if (this.#state === "away") throw tellsNothing();
    if (this.#state !== "subscribing") return undefined;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** A read was answered: what is missed later is what follows its head. */
  sawHead(head: Position): void {
    this.#told ??= head;
  }

  /** It is being subscribed to. */
  subscribe(connection: Connection, hear: (message: Buffer) => void): void {
    this.#state = "subscribing";
    this.connection = connection;
    this.hear = hear;
    this.#held = [];
  }

  /** It is not subscribed to any more. While somebody attempts it, those who wait may hope. */
  cut(hope: boolean, error: Error = tellsNothing()): void {
    this.connection = undefined;
    this.hear = ignore;
    this.#held = [];
    this.#state = hope ? "subscribing" : "away";
    if (!hope) this.#release(error);
  }

  /** It is subscribed to, or shall look for what it has missed: events are held until that has been read. */
  catchUp(): void {
    this.#state = "catching-up";
    this.#release();
  }

  /** Takes what was read after {@link told}; false where more has to be read. */
  caughtUp({ events, gap, head }: Read): boolean {
    for (const event of events) this.#tell(event);
    const reached = events.at(-1)?.position ?? gap?.next ?? this.#told ?? head;
    this.#told = reached;
    if (reached.epoch !== head.epoch || reached.offset < head.offset || !this.#holdsOn(reached)) return false;
    this.goLive();
    return true;
  }

  /** Tells what is held, and from now on all that comes. */
  goLive(): void {
    this.#state = "live";
    this.#release();
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#tell(event);
  }

  /** Takes what was published. */
  take(event: ChannelEvent): void {
    if (this.#state === "live") {
      this.#tell(event);
      return;
    }
    if (this.#held.length === MAX_HELD) this.#held = []; // the next one shows the hole
    this.#held.push(event);
  }

  #tell(event: ChannelEvent): void {
    const { epoch, offset } = event.position;
    if (this.#heard && this.#told?.epoch === epoch && offset <= this.#told.offset) return;
    this.#told = event.position;
    this.#heard = true;
    for (const listener of this.listeners) listener(event);
  }

  /** Whether what is held goes on from there. */
  #holdsOn({ epoch, offset }: Position): boolean {
    const first = this.#held[0]?.position;
    return first === undefined || first.epoch !== epoch || first.offset <= offset + 1;
  }

  #release(error?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve, reject } of waiting) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }
}

function ignore(): void {}

function tellsNothing(): Error {
  return unavailable("Redis cannot tell of new events now");
}
