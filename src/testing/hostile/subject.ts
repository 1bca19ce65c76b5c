/** What the hostile network suite is given: any push server, and any client of it. */

import type { Clock } from "../../core/clock.ts";
import type { MaybePromise } from "../../core/store.ts";
import type { ProxyCounts } from "./network.ts";

export interface HostileSubject {
  /**
   * Starts a server of its own for one case. It keeps at least 1,000 events, and its heartbeats, where it has any,
   * come often enough for a client to find a dead connection within `limitMs`.
   */
  start(): MaybePromise<HostileServer>;
  /**
   * Connects a client, through whatever is at the URL. Settles once nothing that is published from then on is missed: at
   * once, where the client begins at the oldest event.
   * @param url that of the server, with another port
   */
  connect(url: string, listener: HostileListener): MaybePromise<HostileClient>;
  /** How long a case may take (30,000). */
  readonly limitMs?: number;
  /** How long the first event may take; only reported where it is left out. */
  readonly firstEventMs?: number;
  /** What time is counted on; the real time where it is left out. */
  readonly clock?: Clock;
  /** Told at the end of each case that passes. */
  report?(report: HostileReport): void;
}

export interface HostileServer {
  /** Where clients connect, `http:`. */
  readonly url: string;
  /** Publishes an event that carries this number. Settles once the next may be published. */
  publish(n: number): MaybePromise<unknown>;
  /** Ends it, whatever is still connected. */
  stop(): MaybePromise<void>;
}

/** Who is told what a client gives to its application. */
export interface HostileListener {
  /** @param n the number that the event carries */
  event(n: number): void;
  /** The client says that something is lost. */
  gap(detail: string): void;
  /** The client has given up. */
  failed(error: unknown): void;
}

export interface HostileClient {
  /** Which transport it has now, where it can tell; undefined as long as it has not settled for one. */
  readonly transport?: string | undefined;
  close(): MaybePromise<void>;
}

export interface HostileReport {
  /** The network's name. */
  readonly network: string;
  readonly part: "first event" | "stream";
  /** From the call of `connect` to the first event, in milliseconds. */
  readonly firstEventMs: number;
  /** From the call of `connect` to the last event. */
  readonly totalMs: number;
  readonly events: number;
  /** What the client had at the end, or settled for within two seconds of it. */
  readonly transport: string | undefined;
  readonly counts: ProxyCounts;
}
