// What a subscriber costs in memory while nothing happens.

import { setTimeout as sleep } from "node:timers/promises";
import { cell } from "../harness/report.mjs";
import { median, runRounds } from "../harness/rounds.mjs";

/** @typedef {{before: number, settled: number, collected: number}} Result resident bytes of the server */

export const defaults = { subscribers: 10_000, settleMs: 3000, rounds: 1, timeoutMs: 120_000 };

const KB = 1024;
const goals = [
  { of: "tailwire-sse", limit: 12 },
  { of: "tailwire-websocket", limit: 8 },
];

/**
 * @param {import("../contenders.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const each = (/** @type {number} */ bytes) => bytes / options.subscribers / KB;
  const series = await runRounds(
    contenders,
    options,
    (trial) => measure(trial, options),
    ({ before, collected }) => `${cell(each(collected - before), 1).padStart(6)} KB a subscriber`,
  );
  const summaries = series.map(({ contender, results, failures }) => {
    /** @param {(result: Result) => number} figure */
    const typical = (figure) => (failures.length > 0 ? undefined : median(results.map(figure)));
    return {
      contender,
      failed: failures.length > 0,
      settled: typical(({ before, settled }) => each(settled - before)),
      collected: typical(({ before, collected }) => each(collected - before)),
      megabytes: typical(({ collected }) => collected / 1e6),
    };
  });
  return {
    benchmark: "idle",
    load: `${cell(options.subscribers)} idle subscribers; resident memory of the server, less what it had without them, each`,
    columns: ["", "KB each", "KB each after gc", "server MB"],
    rows: summaries.map(({ contender, failed, settled, collected, megabytes }) => [
      contender,
      failed ? "FAILED" : cell(settled, 1),
      cell(collected, 1),
      cell(megabytes),
    ]),
    goals: goals.flatMap(({ of, limit }) => {
      const mine = summaries.find(({ contender }) => contender === of);
      if (mine === undefined) return [];
      return [{ name: `${of}, memory after gc`, value: mine.collected, limit, sense: "at most", unit: " KB" }];
    }),
    notes: ["the sockets' own memory in the kernel is not part of it; one event reached all of them afterwards"],
    failures: series.flatMap(({ contender, failures }) => failures.map((failure) => `${contender}: ${failure}`)),
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
  const before = resident(trial);
  await trial.subscribe(subscribers);
  await sleep(settleMs);
  const settled = resident(trial);
  await trial.collectGarbage();
  const collected = resident(trial);
  // Proof that they were all there.
  await trial.connectPublishers(1);
  await trial.deliver(1);
  return { before, settled, collected };
}

/** @param {import("../harness/trial.mjs").Trial} trial */
function resident(trial) {
  const bytes = trial.residentBytes();
  if (bytes === undefined) throw new Error("this system has no /proc to read a process's memory from");
  return bytes;
}
