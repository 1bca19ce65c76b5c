// Who takes part. One more peer is one more file in servers/ and one more entry here.

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} server its file, below bench/
 * @property {string[]} [args]
 * @property {"sse" | "websocket" | "socket.io"} protocol what its subscribers speak
 * @property {string} subscribePath
 * @property {string} publishPath takes a POST with the event's text
 */

/** @type {Contender[]} */
export const contenders = [
  {
    name: "tailwire-sse",
    server: "servers/tailwire.mjs",
    protocol: "sse",
    subscribePath: "/channels/bench",
    publishPath: "/channels/bench",
  },
  {
    name: "tailwire-websocket",
    server: "servers/tailwire.mjs",
    protocol: "websocket",
    subscribePath: "/channels/bench",
    publishPath: "/channels/bench",
  },
  { name: "ws", server: "servers/ws.mjs", protocol: "websocket", subscribePath: "/", publishPath: "/publish" },
  {
    name: "socket.io",
    server: "servers/socket-io.mjs",
    protocol: "socket.io",
    subscribePath: "/socket.io/?EIO=4&transport=websocket",
    publishPath: "/publish",
  },
];
