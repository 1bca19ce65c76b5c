// One subscriber that never reads, beside many that do, at full rate: what it costs the others, and the server's memory.
//
// It costs them twice: once while what it does not read fills its socket and the server's buffer for it, and from then on.
// The two are measured apart.

import { ratioGoal, summarise, table } from "../harness/figures.mjs";
import { notePaceSetter, shares } from "../harness/pace-setter.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";
import { publishesNdjson } from "./ndjson.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {events: number, deliveries: number, fillingMs: number}} Result */

/** `filling`: events until the stalled one is full. 4 MB of its socket (tcp_wmem), 1 MiB of the server's, and half as much again. */
export const defaults = { subscribers: 999, warmup: 5000, filling: 80_000, seconds: 4, rounds: 3, timeoutMs: 60_000 };

const STALLED = ", one stalled";
const rate = "deliveries/s";
const filling = "time to fill";
const peak = "peak memory";
const figures = {
  [rate]: {
    title: "deliveries/s to those who read",
    of: (/** @type {Result} */ { deliveries, elapsedMs }) => (deliveries * 1000) / elapsedMs,
    spread: true,
  },
  [filling]: {
    title: "s to fill",
    of: (/** @type {Result} */ { fillingMs }) => fillingMs / 1000,
    digits: 2,
    spread: true,
  },
  [peak]: {
    title: "peak MB",
    of: (/** @type {Result} */ { peakResidentBytes }) => peakResidentBytes / 1e6,
    spread: true,
  },
  published: { title: "published MB", of: (/** @type {Result} */ { events }) => events / 1e4 },
  ...shares,
};

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, seconds, rounds } = options;
  const pairs = contenders.flatMap((contender) => {
    const plain = publishesNdjson(contender);
    return [plain, { ...plain, name: `${contender.name}${STALLED}` }];
  });
  const describe = (/** @type {Result} */ result) =>
    `${cell(figures[rate]?.of(result)).padStart(10)} deliveries/s, peak ${cell(figures[peak]?.of(result))} MB`;
  const series = await runRounds(
    pairs,
    options,
    (trial, { name }) => measure(trial, options, name.endsWith(STALLED)),
    describe,
  );
  const summaries = summarise(series, figures);
  return {
    benchmark: "slow",
    load: `1 channel, ${cell(subscribers)} subscribers that read, with and without one that does not, events of 100 bytes in one NDJSON request for ${seconds} s, after ${cell(options.filling)} to fill it; median of ${rounds}`,
    ...table(summaries, figures),
    goals: contenders.flatMap(({ name }) => [
      ...ratioGoal(summaries, { of: name + STALLED, over: name, figure: rate, sense: "at least", limit: 0.95 }),
      ...ratioGoal(summaries, { of: name + STALLED, over: name, figure: peak, sense: "at most", limit: 1.5 }),
    ]),
    summaries,
    notes: [
      ...contenders.flatMap(({ name }) => describeFilling(summaries, name)),
      ...summaries.flatMap(notePaceSetter),
    ],
    failures: failuresOf(series),
    data: { options, series },
  };
}

/**
 * @param {import("../harness/figures.mjs").Summary[]} summaries
 * @param {string} name
 */
function describeFilling(summaries, name) {
  const [without, with_] = [name, name + STALLED].map(
    (contender) => summaries.find((summary) => summary.contender === contender)?.figures[filling]?.median,
  );
  if (without === undefined || with_ === undefined) return [];
  return [`${name}: the one that stalls costs ${cell(with_ - without, 2)} s, once, while it fills up`];
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {typeof defaults} options
 * @param {boolean} withStalled
 * @returns {Promise<Result>}
 */
async function measure(trial, { subscribers, warmup, filling, seconds }, withStalled) {
  await trial.subscribe(subscribers, { stalled: withStalled ? 1 : 0 });
  await trial.connectPublishers(1);
  await trial.deliver({ events: warmup, ndjson: true });
  const { elapsedMs } = await trial.deliver({ events: filling, ndjson: true });
  const events = Math.round((filling * seconds * 1000) / elapsedMs);
  const delivery = await trial.deliver({ events, ndjson: true });
  return { ...delivery, events, deliveries: events * subscribers, fillingMs: elapsedMs };
}
