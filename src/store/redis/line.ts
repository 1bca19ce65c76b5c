/** Keeps one connection open: when it is lost another is opened, at once, then at growing intervals. */

import type { Cancel, Clock } from "../../core/clock.ts";
import type { TailwireError } from "../../core/errors.ts";
import type { Connection } from "./connection.ts";
import { unavailable } from "./failure.ts";

export interface LineOwner {
  /** A connection is open. */
  opened(connection: Connection): void;
  /** There is none, or none yet: called when one is lost, and for each attempt that fails. */
  lost(): void;
}

/** Between attempts, in milliseconds; the first follows at once. */
const BACKOFF_MS = [0, 50, 100, 200, 400, 800];

export class Line {
  readonly #open: () => Promise<Connection>;
  readonly #owner: LineOwner;
  readonly #clock: Clock;
  /** `opening`: the first attempt since it was lost, or since it began. `away`: that has failed. */
  #state: "opening" | "open" | "away" | "closed" = "opening";
  #connection: Connection | undefined;
  #error: TailwireError | undefined;
  #attempts = 0;
  #retry: Cancel | undefined;
  #settled: (() => void)[] = [];

  constructor(open: () => Promise<Connection>, owner: LineOwner, clock: Clock) {
    this.#open = open;
    this.#owner = owner;
    this.#clock = clock;
    void this.#attempt();
  }

  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /** Whether there is none, and the last attempt has failed. */
  get isAway(): boolean {
    return this.#state === "away" || this.#state === "closed";
  }

  /** @throws {TailwireError} where there is none: why, as the last attempt said */
  get connection(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    throw this.#error ?? unavailable("the connection to Redis is not open yet");
  }

  /** Settles when the attempt that is under way has an outcome; at once where there is a connection, or where it is away. */
  settled(): Promise<void> {
    if (this.#state !== "opening") return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#error = unavailable("the store is closed");
    this.#retry?.();
    this.#settle();
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  async #attempt(): Promise<void> {
    try {
      const connection = await this.#open();
      if (this.#state === "closed") return void (await connection.close());
      this.#attempts = 0;
      this.#state = "open";
      this.#connection = connection;
      connection.onClosed = (error) => this.#lose(error);
      if (this.#connection === undefined) return; // it was lost by then
      this.#owner.opened(connection);
      this.#settle();
    } catch (error) {
      this.#fail(error as TailwireError);
    }
  }

  #lose(error: TailwireError): void {
    if (this.#state === "closed") return;
    this.#connection = undefined;
    this.#error = error;
    this.#state = "opening";
    this.#owner.lost();
    this.#attemptLater();
  }

  #fail(error: TailwireError): void {
    if (this.#state === "closed") return;
    this.#error = error;
    this.#state = "away";
    this.#settle();
    this.#owner.lost();
    this.#attemptLater();
  }

  #attemptLater(): void {
    const ms = BACKOFF_MS[Math.min(this.#attempts, BACKOFF_MS.length - 1)] ?? 0;
    this.#attempts += 1;
    this.#retry = this.#clock.after(ms * (0.5 + this.#clock.random()), () => void this.#attempt());
  }

  #settle(): void {
    const waiting = this.#settled;
    this.#settled = [];
    for (const resolve of waiting) resolve();
  }
}
