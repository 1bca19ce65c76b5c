/** The contract between what brings items to this client and what hands them on: a session, or the tab that has one. */

import type { TailwireError } from "../core/errors.ts";
import type { Position } from "../core/position.ts";
import type { Link, TransportName } from "./link.ts";
import type { ItemMessage } from "./places.ts";

/**
 * `closed`: nothing is wanted, or never again. `connecting`: looking for a transport. `open`: one has proved itself.
 * `waiting`: none has; the next attempt comes by itself.
 */
export type State = "closed" | "connecting" | "open" | "waiting";

/** Brings the items of the channels that are wanted, each once and in order. */
export interface Feed {
  /** The channels, and where to begin in each. Those that stay keep their place. */
  want(channels: ReadonlyMap<string, string>): void;
  /** Where a channel is; undefined while nothing is known of it. */
  at(channel: string): Position | undefined;
  /** Looks at once whether the way to the server still holds, as after a sleep. */
  check(networkChanged?: boolean): void;
  /** For good. */
  close(): void;
  readonly state: State;
  readonly transport: TransportName | undefined;
  /** How the link in use publishes, where it can. */
  readonly publish: Link["publish"];
}

/** Who is told. */
export interface FeedListener {
  /**
   * From here on a channel's items follow.
   * @param from where it was asked to begin; undefined where it had begun before
   */
  begin(channel: string, at: Position, from: string | undefined): void;
  item(item: ItemMessage): void;
  /**
   * The state or the link is another.
   * @param reason why it waits, or why it has closed by itself
   */
  state(state: State, reason?: TailwireError): void;
  /** Something that does not end it: a server that does not speak the protocol, a token that cannot be had. */
  error(error: unknown): void;
}
