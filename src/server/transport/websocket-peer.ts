/** A WebSocket connection as those see it who take the client's frames. */

import type { Connection, ConnectionOwner } from "../connection.ts";

export interface WebSocketPeer extends Connection {
  /** Sends one message to this client alone. */
  send(line: string): void;
  /** Reads no more frames until the promise settles, either way. */
  pauseUntil(settled: Promise<unknown>): void;
}

/** What the client sends goes to one of these, which owns the connection too. */
export interface WebSocketClient extends ConnectionOwner {
  /** Takes a data frame. */
  take(frame: Buffer, isBinary: boolean): void;
}
