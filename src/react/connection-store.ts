/** The state of a client's connection, as React reads it. */

import type { Push, State, TailwireError, TransportName } from "../client/index.ts";

export interface ConnectionState {
  readonly state: State;
  /** What carries the events; undefined while there is no connection. */
  readonly transport: TransportName | undefined;
  /** Why it is closed, where it closed by itself: then it does not come back. */
  readonly reason: TailwireError | undefined;
}

export interface ConnectionStore {
  subscribe(listener: () => void): () => void;
  /** The same object for as long as nothing has changed. */
  current(): ConnectionState;
}

/** Before anything is subscribed to, and on a server. */
export const CLOSED: ConnectionState = { state: "closed", transport: undefined, reason: undefined };

export function createConnectionStore(push: Push): ConnectionStore {
  let why: TailwireError | undefined;
  let known = CLOSED;
  return {
    subscribe: (listener) =>
      push.on("state", (_state, reason) => {
        why = reason;
        listener();
      }),
    current() {
      const { state, transport } = push;
      const reason = state === "closed" ? why : undefined;
      if (known.state !== state || known.transport !== transport || known.reason !== reason) {
        known = { state, transport, reason };
      }
      return known;
    },
  };
}
