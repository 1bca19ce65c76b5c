// What a subscriber costs in memory while nothing happens.

import { setTimeout as sleep } from "node:timers/promises";
import { absoluteGoal, ratioGoal, summarise, table } from "../harness/figures.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";

/** @typedef {{before: number, settled: number, collected: number}} Bytes resident, of the server */
/** @typedef {Bytes & {subscribers: number}} Result */

export const defaults = { subscribers: 10_000, settleMs: 2000, rounds: 1, timeoutMs: 90_000 };

const KB = 1024;

/** @param {"settled" | "collected"} when */
const each = (when) => (/** @type {Result} */ result) => (result[when] - result.before) / result.subscribers / KB;

const figures = {
  settled: { title: "KB each", of: each("settled"), digits: 1 },
  "memory each, after gc": { title: "after gc", of: each("collected"), digits: 1, spread: true },
  empty: { title: "server MB empty", of: (/** @type {Result} */ { before }) => before / 1e6 },
  full: { title: "full", of: (/** @type {Result} */ { collected }) => collected / 1e6 },
};

const goals = [
  { of: "tailwire-sse", over: "nchan-sse", limit: 8 },
  { of: "tailwire-websocket", over: "nchan-websocket", limit: 6 },
];

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const figure = "memory each, after gc";
  const describe = (/** @type {Result} */ result) =>
    `${cell(figures[figure].of(result), 1).padStart(6)} KB a subscriber`;
  const series = await runRounds(contenders, options, (trial) => measure(trial, options), describe);
  const summaries = summarise(series, figures);
  return {
    benchmark: "idle",
    load: `${cell(options.subscribers)} idle subscribers; resident memory of the server, less what it had without them, each; median of ${options.rounds}`,
    ...table(summaries, figures),
    goals: goals.flatMap(({ of, over, limit }) => [
      ...absoluteGoal(summaries, { of, figure, sense: "at most", limit, unit: " KB" }),
      ...ratioGoal(summaries, { of, over, figure, sense: "at most", limit: 1 }),
    ]),
    notes: ["the sockets' own memory in the kernel is not part of it; one event reached all of them afterwards"],
    failures: failuresOf(series),
    summaries,
    data: { options, series },
  };
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {typeof defaults} options
 * @returns {Promise<Result>}
 */
async function measure(trial, { subscribers, settleMs }) {
  await trial.collectGarbage();
  const before = trial.usage().residentBytes;
  await trial.subscribe(subscribers);
  await sleep(settleMs);
  const settled = trial.usage().residentBytes;
  await trial.collectGarbage();
  const collected = trial.usage().residentBytes;
  // Proof that they were all there.
  await trial.connectPublishers(1);
  await trial.deliver({ events: 1 });
  return { subscribers, before, settled, collected };
}
