import { nodeServer } from "./contender.mjs";
import { deflates, websocket } from "./protocols.mjs";

/** @type {import("./contender.mjs").Contender[]} */
export const ws = [
  {
    name: "ws",
    family: "ws",
    benchmarks: ["fanout", "pace", "channels", "idle", "compress"],
    launch: nodeServer("ws.mjs"),
    protocol: websocket((channel) => `/${channel}`),
    publish: (channel) => ({ path: `/publish/${channel}` }),
  },
  {
    name: "ws-deflate",
    family: "ws",
    benchmarks: ["compress"],
    launch: nodeServer("ws.mjs", "deflate"),
    protocol: websocket((channel) => `/${channel}`, deflates),
    publish: (channel) => ({ path: `/publish/${channel}` }),
  },
];
