/** Why a connection ends: RFC 6455, 7.4.1, and the protocol's own from 4400. One table for both ends. */

/** Every code that a `$close` message or a WebSocket close frame of this protocol can carry. */
export type CloseCode = keyof typeof CLOSE_CODES;

/** What each code means, and whether a client comes back by itself. */
export const CLOSE_CODES = {
  1000: { meaning: "done", comesBack: false },
  1001: { meaning: "the server is shutting down", comesBack: true },
  1002: { meaning: "a frame broke the WebSocket protocol", comesBack: true },
  1003: { meaning: "this kind of data is not taken here", comesBack: false },
  1007: { meaning: "text that is not UTF-8", comesBack: false },
  1008: { meaning: "against the server's policy", comesBack: false },
  1009: { meaning: "a message was too big", comesBack: false },
  1011: { meaning: "a fault of the server", comesBack: true },
  1012: { meaning: "the server restarts", comesBack: true },
  1013: { meaning: "try again later", comesBack: true },
  4401: { meaning: "the token is missing, bad or expired", comesBack: true },
  4403: { meaning: "not allowed", comesBack: false },
  4429: { meaning: "too fast", comesBack: true },
} as const;
