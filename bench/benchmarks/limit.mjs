// How much the load generator can take: pre-made frames from a server that does nothing else, under the load of fanout.

import { defaults as fanoutDefaults, run as runFanout } from "./fanout.mjs";

export const defaults = { ...fanoutDefaults, warmup: 0, perWrite: 16 };

/**
 * @param {import("../contenders.mjs").Contender[]} _contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(_contenders, options) {
  const floods = /** @type {const} */ (["sse", "websocket"]).map((protocol) => ({
    name: `flood-${protocol}`,
    server: "servers/flood.mjs",
    args: [protocol, String(options.events), String(options.perWrite)],
    protocol,
    subscribePath: "/",
    publishPath: "/",
  }));
  const report = await runFanout(floods, options);
  return { ...report, benchmark: "limit", load: `${report.load}, ${options.perWrite} events a write` };
}
