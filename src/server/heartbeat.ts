/**
 * The endless connections of one handler: one timer sweeps over all of them, for a timer each would cost
 * more memory than the rest of an idle connection. It also ends them when the hub closes.
 */

import type { Cancel, Clock } from "../core/clock.ts";
import type { Hub } from "../core/hub.ts";
import type { CloseMessage } from "../wire/message.ts";
import type { Connection } from "./connection.ts";

/** Sweeps in one heartbeat: a heartbeat comes early by at most this part of it, and never late by more. */
const SWEEPS = 10;
/** After a shutdown clients come back spread over this many milliseconds. */
const RECONNECT_SPREAD_MS = 5000;

export class Heartbeat {
  readonly #clock: Clock;
  /** The silence after which a heartbeat is due, in milliseconds. */
  readonly heartbeatMs: number;
  readonly #connections = new Set<Connection>();
  #timer: Cancel | undefined;
  /** The time of the last sweep: good enough to stamp writes with, and free. */
  now: number;

  constructor(hub: Hub) {
    this.#clock = hub.clock;
    this.heartbeatMs = hub.settings.heartbeatMs;
    this.now = hub.clock.now();
    hub.whenClosing(() => this.#closeAll());
  }

  add(connection: Connection): void {
    if (this.#connections.size === 0) this.#schedule();
    this.#connections.add(connection);
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    this.#timer?.();
    this.#timer = undefined;
  }

  /** A `$close` that tells each client another time to come back. */
  closeMessage(code: number, reason: string, comesBack: boolean): CloseMessage {
    const reconnectMs = comesBack ? Math.floor(this.#clock.random() * RECONNECT_SPREAD_MS) : null;
    return { type: "$close", code, reason, reconnectMs };
  }

  #schedule(): void {
    this.now = this.#clock.now();
    this.#timer = this.#clock.after(this.heartbeatMs / SWEEPS, () => {
      this.#schedule();
      this.#sweep();
    });
  }

  #sweep(): void {
    const frames = new Map<string, Uint8Array>();
    for (const connection of this.#connections) {
      connection.checkPeer(this.now);
      if (connection.closed || this.now - connection.wroteAt < this.heartbeatMs) continue;
      const { encoding } = connection;
      const frame = frames.get(encoding.key) ?? encoding.heartbeat({ type: "$heartbeat", time: this.now });
      frames.set(encoding.key, frame);
      connection.write(frame);
    }
  }

  #closeAll(): void {
    for (const connection of [...this.#connections]) connection.close(1001, "the server is shutting down");
  }
}
