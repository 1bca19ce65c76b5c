// The load of `fanout` on `tailwire serve --workers`: what more cores bring.

import { availableParallelism } from "node:os";
import { cell } from "../harness/report.mjs";
import { compare, defaults as fanoutDefaults } from "./fanout.mjs";

/** More publishers than in `fanout`: 16 that each wait for an answer leave two workers idle half of the time. */
export const defaults = { ...fanoutDefaults, publishers: 128, warmup: 500 };

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, publishers, seconds, rounds } = options;
  const { series, summaries, notes, ...report } = await compare(contenders, options, {});
  return {
    benchmark: "workers",
    load: `1 channel, ${cell(subscribers)} subscribers, events of 100 bytes from ${publishers} publishers for ${seconds} s, median of ${rounds}; the number behind the name is --workers`,
    ...report,
    goals: [],
    notes: [...["tailwire-sse", "tailwire-websocket"].flatMap((name) => describeScaling(summaries, name)), ...notes],
    summaries,
    data: { options, series },
  };
}

/**
 * How much more two deliver; and how much they could at most, where the load itself takes a part of few cores.
 * @param {import("../harness/figures.mjs").Summary[]} summaries
 * @param {string} name
 */
function describeScaling(summaries, name) {
  const [one, two] = [1, 2].map(
    (workers) => summaries.find(({ contender }) => contender === `${name}-${workers}`)?.figures,
  );
  const [rateOfOne, rateOfTwo] = [one, two].map((figures) => figures?.["deliveries/s"]?.median);
  if (rateOfOne === undefined || rateOfTwo === undefined) return [];
  const load = (two?.subscribers?.median ?? 0) + (two?.publishers?.median ?? 0);
  const room = (availableParallelism() - load) / (one?.server?.median || 1);
  return [
    `${name}: 2 workers deliver ${cell(rateOfTwo / rateOfOne, 2)} times as much as 1; this machine has room for ${cell(Math.min(2, room), 2)} beside the load`,
  ];
}
