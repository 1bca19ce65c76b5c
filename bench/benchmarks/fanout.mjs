// One channel, many subscribers, events as fast as the publishers can.

import { ratioGoal, summarise, table } from "../harness/figures.mjs";
import { notePaceSetter, shares } from "../harness/pace-setter.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, notesOf, runRounds } from "../harness/rounds.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {deliveries: number}} Result */

export const defaults = { subscribers: 1000, publishers: 16, warmup: 100, seconds: 4, rounds: 3, timeoutMs: 60_000 };

const figures = {
  "deliveries/s": {
    title: "deliveries/s",
    of: (/** @type {Result} */ { deliveries, elapsedMs }) => (deliveries * 1000) / elapsedMs,
    spread: true,
  },
  cpu: {
    title: "server µs/delivery",
    of: (/** @type {Result} */ { deliveries, serverCpuMs }) => (serverCpuMs * 1000) / deliveries,
    digits: 3,
  },
  memory: { title: "server MB", of: (/** @type {Result} */ { residentBytes }) => residentBytes / 1e6 },
  ...shares,
};

const goals = ["tailwire-sse", "tailwire-websocket"].flatMap((of) => [
  { of, over: ["nchan-sse", "nchan-websocket"], limit: 6 },
  { of, over: "socket.io", limit: 25 },
  { of, over: "bun", limit: 1.2 },
]);

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, publishers, seconds, rounds } = options;
  const { series, summaries, ...report } = await compare(contenders, options, {});
  return {
    benchmark: "fanout",
    load: `1 channel, ${cell(subscribers)} subscribers, events of 100 bytes from ${publishers} publishers for ${seconds} s, median of ${rounds}`,
    goals: goals.flatMap((goal) => ratioGoal(summaries, { ...goal, figure: "deliveries/s", sense: "at least" })),
    summaries,
    data: { options, series },
    ...report,
  };
}

/**
 * What `fanout` and its relatives have in common: a table of deliveries a second.
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @param {Partial<import("../harness/trial.mjs").Load>} load
 */
export async function compare(contenders, options, load) {
  const describe = (/** @type {Result} */ result) =>
    `${cell(figures["deliveries/s"].of(result)).padStart(10)} deliveries/s`;
  const series = await runRounds(contenders, options, (trial) => measure(trial, options, load), describe);
  const summaries = summarise(series, figures);
  return {
    series,
    summaries,
    ...table(summaries, figures),
    notes: [...summaries.flatMap(notePaceSetter), ...notesOf(series)],
    failures: failuresOf(series),
  };
}

/**
 * The warm-up says how many events fill the time.
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {typeof defaults} options
 * @param {Partial<import("../harness/trial.mjs").Load>} load
 * @returns {Promise<Result>}
 */
async function measure(trial, { subscribers, publishers, warmup, seconds }, load) {
  await trial.subscribe(subscribers);
  await trial.connectPublishers(publishers);
  const { elapsedMs } = await trial.deliver({ ...load, events: warmup });
  const events = Math.max(warmup, Math.round((warmup * seconds * 1000) / elapsedMs));
  const delivery = await trial.deliver({ ...load, events });
  return { ...delivery, deliveries: events * subscribers };
}
