/**
 * The endless connections of one handler: one timer sweeps over all of them, for a timer each would cost
 * more memory than the rest of an idle connection. It also ends them when the hub drains or closes.
 */

import type { Cancel, Clock } from "../core/clock.ts";
import type { Hub } from "../core/hub.ts";
import { type CloseCode, COMES_BACK } from "../wire/close-codes.ts";
import type { CloseMessage } from "../wire/message.ts";
import type { Connection } from "./connection.ts";

/** Sweeps in one heartbeat: a heartbeat comes early by at most this part of it, and never late by more. */
const SWEEPS = 10;
/** After a shutdown without a drain clients come back spread over this many milliseconds. */
const RECONNECT_SPREAD_MS = 5000;
const RESTART = 1012;
const RESTART_REASON = "the server restarts";

export class Heartbeat {
  readonly #clock: Clock;
  /** The silence after which a heartbeat is due, in milliseconds. */
  readonly heartbeatMs: number;
  readonly #connections = new Set<Connection>();
  #timer: Cancel | undefined;
  /** A drain waits until the last connection has ended. */
  #letGo: () => void = () => {};
  /** The time of the last sweep: good enough to stamp writes with, and free. */
  now: number;

  constructor(hub: Hub) {
    this.#clock = hub.clock;
    this.heartbeatMs = hub.settings.heartbeatMs;
    this.now = hub.clock.now();
    hub.whenEnding((step) => {
      if (step.state === "closed") this.#closeAll();
      else if (this.#connections.size > 0) {
        this.#letGo = hub.hold();
        this.#restartAll(step.drainMs);
      }
    });
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
    this.#letGo();
  }

  /** A `$close` that tells each client another time to come back, where none is given. */
  closeMessage(code: CloseCode, reason: string, reconnectMs = this.#reconnectMs(code)): CloseMessage {
    return { type: "$close", code, reason, reconnectMs };
  }

  #reconnectMs(code: CloseCode): number | null {
    return COMES_BACK[code] ? Math.floor(this.#clock.random() * RECONNECT_SPREAD_MS) : null;
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

  /**
   * Each client is to come back at a time of its own within the drain, so that neither the next process nor the other
   * nodes have all of them at once. Whoever can be told that time is told at once: this process may end the sooner, and
   * nobody comes back to one that only refuses. Whoever cannot be told, on a raw WebSocket, is let go at that time.
   */
  #restartAll(drainMs: number): void {
    const connections = [...this.#connections];
    for (const [index, connection] of connections.entries()) {
      const ms = Math.ceil(((index + this.#clock.random()) / connections.length) * drainMs);
      const restart = () => connection.close(RESTART, RESTART_REASON, ms);
      const isTold = connection.encoding.close(this.closeMessage(RESTART, RESTART_REASON, ms)) !== undefined;
      if (isTold) restart();
      else this.#clock.after(ms, restart);
    }
  }

  #closeAll(): void {
    for (const connection of [...this.#connections]) connection.close(1001, "the server is shutting down");
  }
}
