// What costs what: the server's CPU for an event that is published, and for a delivery of it.

import { summarise, table } from "../harness/figures.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";
import { publishesNdjson } from "./ndjson.mjs";

/** @typedef {import("../contenders/contender.mjs").Contender} Contender */
/** @typedef {import("../harness/trial.mjs").Trial} Trial */
/** @typedef {import("../harness/trial.mjs").Delivery & {parts: number}} Result `parts` are what the cost is shared by */

export const defaults = { subscribers: 2000, perSecond: 20, seconds: 4, rounds: 3, timeoutMs: 60_000 };

const figures = {
  cost: {
    title: "server µs",
    of: (/** @type {Result} */ { serverCpuMs, parts }) => (serverCpuMs * 1000) / parts,
    digits: 2,
    spread: true,
  },
};

/** @typedef {{ndjson?: boolean, measure(trial: Trial, options: typeof defaults): Promise<Result>}} Load */

/** @type {Record<string, Load>} */
const loads = {
  "an event, one request each": { measure: (trial, options) => published(trial, options, { warmup: 2000 }) },
  "an event, NDJSON lines": {
    ndjson: true,
    measure: (trial, options) => published(trial, options, { warmup: 100_000, publishers: 1, ndjson: true }),
  },
  "a delivery": { measure: delivered },
};

/**
 * @param {Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, perSecond, rounds } = options;
  const named = contenders.flatMap((contender) =>
    Object.entries(loads).map(([name, { ndjson = false, measure }]) => ({
      ...(ndjson ? publishesNdjson(contender) : contender),
      name: `${contender.name}, ${name}`,
      measure,
    })),
  );
  const series = await runRounds(
    named,
    options,
    (trial, { measure }) => measure(trial, options),
    (result) => `${cell(figures.cost.of(result), 2).padStart(8)} µs`,
  );
  const summaries = summarise(series, figures);
  return {
    benchmark: "costs",
    load: `events of 100 bytes; published as fast as they are answered to 1 subscriber, or ${perSecond} a second to ${cell(subscribers)}; median of ${rounds}`,
    ...table(summaries, figures),
    goals: [],
    summaries,
    notes: [],
    failures: failuresOf(series),
    data: { options, series },
  };
}

/**
 * What an event costs that hardly anybody is sent.
 * @param {Trial} trial
 * @param {typeof defaults} options
 * @param {{warmup: number, publishers?: number, ndjson?: boolean}} load
 */
async function published(trial, { seconds }, { warmup, publishers = 16, ndjson = false }) {
  await trial.subscribe(1);
  await trial.connectPublishers(publishers);
  const { elapsedMs } = await trial.deliver({ events: warmup, ndjson });
  const events = Math.round((warmup * seconds * 1000) / elapsedMs);
  return { ...(await trial.deliver({ events, ndjson })), parts: events };
}

/**
 * What a write to one subscriber costs, with its share of what is made for all.
 * @param {Trial} trial
 * @param {typeof defaults} options
 */
async function delivered(trial, { subscribers, perSecond, seconds }) {
  await trial.subscribe(subscribers);
  await trial.connectPublishers(1);
  await trial.deliver({ events: perSecond, perSecond });
  const events = perSecond * seconds;
  return { ...(await trial.deliver({ events, perSecond })), parts: events * subscribers };
}
