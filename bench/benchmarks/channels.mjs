// Many channels of few subscribers: what an event costs when there is hardly anybody to share it.

import { comparePaced, defaults as paceDefaults } from "./pace.mjs";

export const defaults = { ...paceDefaults, subscribers: 10_000, channels: 1000, perSecond: 1000, publishers: 16 };

const goals = ["tailwire-sse", "tailwire-websocket"].map((of) => ({
  of,
  over: "ws",
  figure: /** @type {const} */ ("CPU a delivery"),
  limit: 1,
}));

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 */
export function run(contenders, options) {
  return comparePaced("channels", contenders, options, goals);
}
