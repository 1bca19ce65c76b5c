import { nodeServer } from "./contender.mjs";
import { longPoll, websocket } from "./protocols.mjs";

// SockJS 0.3 by WebSocket: the server's frame "o" opens, "a[…]" carries messages, "h" is a heartbeat. The two segments
// behind the prefix are the client's own; by WebSocket, connections may share them.
const { request } = websocket((channel) => `/sockjs/${channel}/000/0/websocket`);

const publish = (/** @type {string} */ channel) => ({ path: `/publish/${channel}` });

/** @type {import("./contender.mjs").Contender[]} */
export const sockjs = [
  {
    name: "sockjs",
    family: "sockjs",
    benchmarks: ["fanout", "idle"],
    launch: nodeServer("sockjs.mjs"),
    protocol: { request, steps: [{ after: "\r\n\r\n", send: "" }], ready: "\x81\x01o" },
    publish,
  },
  {
    name: "sockjs-xhr-polling",
    family: "sockjs",
    benchmarks: ["poll"],
    launch: nodeServer("sockjs.mjs"),
    protocol: longPoll("sockjs"),
    publish,
  },
];
