// Events at an even pace, slow enough that nothing can be batched: what a delivery costs, and how long it takes.

import { ratioGoal, summarise, table } from "../harness/figures.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {deliveries: number}} Result */

export const defaults = {
  subscribers: 2000,
  channels: 1,
  perSecond: 20,
  publishers: 4,
  warmup: 2,
  seconds: 5,
  rounds: 3,
  timeoutMs: 60_000,
};

const figures = {
  "CPU a delivery": {
    title: "server µs/delivery",
    of: (/** @type {Result} */ { deliveries, serverCpuMs }) => (serverCpuMs * 1000) / deliveries,
    digits: 2,
    spread: true,
  },
  "p50 to the last": latency("p50 to the last, ms", "last", "p50"),
  "p99 to the last": { ...latency("p99 to the last, ms", "last", "p99"), spread: true },
  "p99 to each": latency("p99 to each, ms", "each", "p99"),
};

const cpu = /** @type {const} */ ("CPU a delivery");
const goals = ["tailwire-sse", "tailwire-websocket"].flatMap((of) => [
  { of, over: "nchan-sse", figure: cpu, limit: 1 },
  { of, over: "c-epoll", figure: cpu, limit: 1.5 },
]);

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 */
export function run(contenders, options) {
  return comparePaced("pace", contenders, options, goals);
}

/**
 * What `pace` and its relatives have in common.
 * @param {string} benchmark
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @param {{of: string, over: string | string[], figure: keyof typeof figures, limit: number}[]} goals
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function comparePaced(benchmark, contenders, options, goals) {
  const { subscribers, channels, perSecond, seconds, rounds } = options;
  const describe = (/** @type {Result} */ result) =>
    `${cell(figures["CPU a delivery"].of(result), 2).padStart(6)} µs a delivery, p99 to the last ${cell(result.last.p99, 1)} ms`;
  const series = await runRounds(contenders, options, (trial) => measure(trial, options), describe);
  const summaries = summarise(series, figures);
  const spreadOver = channels === 1 ? "1 channel" : `${cell(channels)} channels`;
  return {
    benchmark,
    load: `${spreadOver}, ${cell(subscribers)} subscribers, ${cell(perSecond)} events/s in all, for ${seconds} s, median of ${rounds}`,
    ...table(summaries, figures),
    goals: goals.flatMap((goal) => ratioGoal(summaries, { ...goal, sense: "at most" })),
    summaries,
    notes: [],
    failures: failuresOf(series),
    data: { options, series },
  };
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {typeof defaults} options
 * @returns {Promise<Result>}
 */
async function measure(trial, { subscribers, channels, perSecond, publishers, warmup, seconds }) {
  await trial.subscribe(subscribers, { channels });
  await trial.connectPublishers(publishers, { channels });
  await trial.deliver({ events: perSecond * warmup, perSecond });
  const events = perSecond * seconds;
  const delivery = await trial.deliver({ events, perSecond });
  return { ...delivery, deliveries: (events * subscribers) / channels };
}

/**
 * @param {string} title
 * @param {"each" | "last"} which
 * @param {"p50" | "p99"} percentile
 */
function latency(title, which, percentile) {
  return { title, of: (/** @type {Result} */ result) => result[which][percentile], digits: 2 };
}
