/** Why a connection ends: RFC 6455, 7.4.1, and the protocol's own from 4400. One table for both ends. */

/** Every code that a `$close` message or a WebSocket close frame of this protocol can carry. */
export type CloseCode = keyof typeof COMES_BACK;

/** Whether a client comes back by itself. */
export const COMES_BACK = {
  1000: false, // done
  1001: true, // the server is shutting down
  1002: true, // a frame broke the WebSocket protocol
  1003: false, // this kind of data is not taken here
  1007: false, // text that is not UTF-8
  1008: false, // against the server's policy
  1009: false, // a message was too big
  1011: true, // a fault of the server
  1012: true, // the server restarts
  1013: true, // try again later
  4401: true, // the token is missing, bad or expired
  4403: false, // not allowed
  4429: true, // too fast
} as const;
