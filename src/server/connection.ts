/** The connection contract: what every endless transport gives to what stands above it. */

import type { Encoding, Sink } from "../core/group.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import type { CloseMessage, HeartbeatMessage, OpenMessage } from "../wire/message.ts";

/** An encoding that can also say the system's messages. Undefined: this transport has no bytes for it. */
export interface WireEncoding extends Encoding<Uint8Array> {
  open(message: OpenMessage): Uint8Array | undefined;
  heartbeat(message: HeartbeatMessage): Uint8Array;
  close(message: CloseMessage): Uint8Array | undefined;
}

/** Whoever writes to a connection. */
export interface ConnectionOwner {
  /** It takes more, after a `write` that returned false. */
  drained(): void;
  /** The link has ended, from whichever side. */
  close(): void;
}

/** The owner of a connection that has none yet. */
export const NOBODY: ConnectionOwner = { drained() {}, close() {} };

/** One network link over one transport. */
export interface Connection extends Sink<Uint8Array> {
  readonly encoding: WireEncoding;
  /** When bytes were last written, in milliseconds since 1970, as coarse as the heartbeat's sweep. */
  readonly wroteAt: number;
  readonly closed: boolean;
  /** Who is told what happens to it. A subscription can be the owner. */
  owner: ConnectionOwner;
  /**
   * Says `$close`, then ends the link in order.
   * @param reconnectMs in place of a random time, or of none where the code says not to come back
   */
  close(code: CloseCode, reason: string, reconnectMs?: number): void;
  /** Looks after the peer; called at every sweep. Ends the link where the peer is known to be gone. */
  checkPeer(now: number): void;
}
