// The fan-out of `fanout`, with all events in one NDJSON request: no request an event.

import { absoluteGoal } from "../harness/figures.mjs";
import { cell } from "../harness/report.mjs";
import { compare, defaults as fanoutDefaults } from "./fanout.mjs";

export const defaults = { ...fanoutDefaults, publishers: 1, warmup: 5000 };

const goals = ["tailwire-sse", "tailwire-websocket"].map((of) => ({ of, limit: 5_000_000 }));

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, seconds, rounds } = options;
  const { series, summaries, ...report } = await compare(contenders.map(publishesNdjson), options, { ndjson: true });
  return {
    benchmark: "ndjson",
    load: `1 channel, ${cell(subscribers)} subscribers, events of 100 bytes in one NDJSON request for ${seconds} s, median of ${rounds}`,
    goals: goals.flatMap((goal) =>
      absoluteGoal(summaries, { ...goal, figure: "deliveries/s", sense: "at least", unit: "" }),
    ),
    summaries,
    data: { options, series },
    ...report,
  };
}

/**
 * The contender, with events published as the lines of one request.
 * @param {import("../contenders/contender.mjs").Contender} contender
 * @returns {import("../contenders/contender.mjs").Contender}
 */
export function publishesNdjson(contender) {
  const headers = { "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked" };
  return {
    ...contender,
    publish: (channel) => ({ ...contender.publish(channel), headers, prefix: '"', suffix: '"' }),
  };
}
