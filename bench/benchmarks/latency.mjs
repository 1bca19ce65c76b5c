// From the publish to the last subscriber's read.

import { comparePaced, defaults as paceDefaults } from "./pace.mjs";

export const defaults = { ...paceDefaults, subscribers: 5000, perSecond: 10, seconds: 8 };

const figure = /** @type {const} */ ("p99 to the last");
const goals = ["tailwire-sse", "tailwire-websocket"].flatMap((of) => [
  { of, over: ["nchan-sse", "nchan-websocket"], figure, limit: 1 },
  { of, over: "socket.io", figure, limit: 0.5 },
]);

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 */
export function run(contenders, options) {
  return comparePaced("latency", contenders, options, goals);
}
