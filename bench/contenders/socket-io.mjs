import { nodeServer } from "./contender.mjs";
import { clientFrame, longPoll, websocket } from "./protocols.mjs";

// Socket.IO (protocol 5 on Engine.IO 4), by WebSocket from the start. Packets are text frames: "0{…}" opens, "40" joins
// the namespace "/", "40{…}" says it is done; "2" is a ping, "3" its pong. The server takes the channel as a room.
const handshake = websocket((channel) => `/socket.io/?EIO=4&transport=websocket&channel=${channel}`);

const publish = (/** @type {string} */ channel) => ({ path: `/publish/${channel}` });

/** @type {import("./contender.mjs").Contender[]} */
export const socketIo = [
  {
    name: "socket.io",
    family: "socket.io",
    benchmarks: ["fanout", "pace", "latency", "idle"],
    launch: nodeServer("socket-io.mjs"),
    protocol: {
      request: handshake.request,
      steps: [{ after: "0{", send: clientFrame("40") }],
      ready: "40{",
      ping: { is: "\x81\x012", answer: clientFrame("3") },
    },
    publish,
  },
  {
    name: "socket.io-polling",
    family: "socket.io",
    benchmarks: ["poll"],
    launch: nodeServer("socket-io.mjs"),
    protocol: longPoll("engineIo"),
    publish,
  },
];
