import { nodeServer } from "./contender.mjs";
import { longPoll } from "./protocols.mjs";

/**
 * Not a peer: what Node itself costs. Its clients speak to it as to Tailwire.
 * @type {import("./contender.mjs").Contender[]}
 */
export const barePoll = ["net", "http"].map((how) => ({
  name: `bare-${how}-long-poll`,
  family: "bare-node",
  benchmarks: ["poll"],
  launch: nodeServer("bare-poll.mjs", how),
  protocol: longPoll("tailwire"),
  publish: (channel) => ({ path: `/channels/${channel}`, headers: { "Content-Type": "text/plain" } }),
}));
