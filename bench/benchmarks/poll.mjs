// Long polling: for each client, every event is an answer and a new request. What counts is what they cost the server.

import { ratioGoal, summarise, table } from "../harness/figures.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {deliveries: number}} Result */

export const defaults = { subscribers: 2000, perSecond: 5, seconds: 5, warmup: 10, rounds: 3, timeoutMs: 60_000 };

const figures = {
  "deliveries per CPU second": {
    title: "deliveries/server CPU s",
    of: (/** @type {Result} */ { deliveries, serverCpuMs }) => (deliveries * 1000) / serverCpuMs,
    spread: true,
  },
  server: {
    title: "server CPU",
    of: (/** @type {Result} */ { serverCpuMs, elapsedMs }) => serverCpuMs / elapsedMs,
    digits: 2,
  },
  memory: { title: "server MB", of: (/** @type {Result} */ { residentBytes }) => residentBytes / 1e6 },
};

const goals = ["socket.io-polling", "sockjs-xhr-polling"].map((over) => ({ of: "tailwire-long-poll", over, limit: 3 }));

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, perSecond, seconds, rounds } = options;
  const describe = (/** @type {Result} */ result) =>
    `${cell(figures["deliveries per CPU second"].of(result)).padStart(10)} deliveries per server CPU second`;
  const series = await runRounds(contenders, options, (trial) => measure(trial, options), describe);
  const summaries = summarise(series, figures);
  return {
    benchmark: "poll",
    load: `1 channel, ${cell(subscribers)} clients that long-poll, ${perSecond} events/s of 100 bytes for ${seconds} s, median of ${rounds}`,
    ...table(summaries, figures),
    goals: goals.flatMap((goal) =>
      ratioGoal(summaries, { ...goal, figure: "deliveries per CPU second", sense: "at least" }),
    ),
    notes: ["where the server cannot keep up, several events share an answer, which flatters its figure"],
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
async function measure(trial, { subscribers, perSecond, seconds, warmup }) {
  await trial.subscribe(subscribers);
  await trial.connectPublishers(1);
  await trial.deliver({ events: warmup, perSecond });
  const events = perSecond * seconds;
  return { ...(await trial.deliver({ events, perSecond })), deliveries: events * subscribers };
}
