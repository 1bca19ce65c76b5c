import { build } from "../harness/build.mjs";
import { sse } from "./protocols.mjs";

// The yardstick of `pace`: no product, only what one write a subscriber and event costs.

/** @type {import("./contender.mjs").Contender[]} */
export const epoll = [
  {
    name: "c-epoll",
    family: "c",
    benchmarks: ["fanout", "pace", "latency"],
    launch: ([port]) => ({ command: build("epoll", ["servers/epoll.c"]), args: [String(port)] }),
    protocol: sse((channel) => `/${channel}`),
    publish: (channel) => ({ path: `/${channel}` }),
  },
];
