import { nodeServer } from "./contender.mjs";
import { sse } from "./protocols.mjs";

/** @type {import("./contender.mjs").Contender[]} */
export const betterSse = [
  {
    name: "better-sse",
    family: "better-sse",
    benchmarks: ["fanout", "idle"],
    launch: nodeServer("better-sse.mjs"),
    // It begins every stream with the delay of reconnection.
    protocol: sse((channel) => `/${channel}`, { ready: "retry:2000\n\n" }),
    publish: (channel) => ({ path: `/publish/${channel}` }),
  },
];
