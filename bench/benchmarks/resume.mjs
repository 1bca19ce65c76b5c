// A server's worst minute: all its clients are cut off, miss some events, and come back together.

import { absoluteGoal, ratioGoal, summarise, table } from "../harness/figures.mjs";
import { notePaceSetter, shares } from "../harness/pace-setter.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";
import { channelName } from "../harness/trial.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {bytesAtFirst: number, bytesBefore: number, bytesAfter: number}} Result */

export const defaults = { subscribers: 10_000, events: 50, rounds: 3, timeoutMs: 90_000 };

const figures = {
  "time until all caught up": {
    title: "s until all caught up",
    of: (/** @type {Result} */ { elapsedMs }) => elapsedMs / 1000,
    digits: 2,
    spread: true,
  },
  cpu: { title: "server CPU s", of: (/** @type {Result} */ { serverCpuMs }) => serverCpuMs / 1000, digits: 2 },
  first: { title: "MB at first", of: (/** @type {Result} */ { bytesAtFirst }) => bytesAtFirst / 1e6 },
  before: { title: "MB before", of: (/** @type {Result} */ { bytesBefore }) => bytesBefore / 1e6 },
  during: { title: "when caught up", of: (/** @type {Result} */ { residentBytes }) => residentBytes / 1e6 },
  "memory after / before": {
    title: "after / before",
    of: (/** @type {Result} */ { bytesBefore, bytesAfter }) => bytesAfter / bytesBefore,
    digits: 2,
  },
};

const contestants = ["tailwire-sse", "tailwire-websocket"];

/**
 * @param {import("../contenders/contender.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, events, rounds } = options;
  const describe = (/** @type {Result} */ { elapsedMs, bytesBefore, bytesAfter }) =>
    `all caught up after ${cell(elapsedMs / 1000, 2)} s, ${cell(bytesBefore / 1e6)} → ${cell(bytesAfter / 1e6)} MB`;
  const series = await runRounds(
    contenders,
    options,
    (trial, contender) => measure(trial, contender, options),
    describe,
  );
  const summaries = summarise(series, { ...figures, ...shares });
  return {
    benchmark: "resume",
    load: `${cell(subscribers)} subscribers, cut and resumed at once, each ${events} events behind, median of ${rounds}`,
    ...table(summaries, figures),
    goals: contestants.flatMap((of) => [
      ...ratioGoal(summaries, {
        of,
        over: "nchan-sse",
        figure: "time until all caught up",
        sense: "at most",
        limit: 1,
      }),
      // What is left of noise in the size of a heap counts as being back.
      ...absoluteGoal(summaries, { of, figure: "memory after / before", sense: "at most", limit: 1.1, unit: "x" }),
    ]),
    notes: [
      ...summaries.flatMap(notePaceSetter),
      "the time begins with the first connection and includes all handshakes; 200 are under way at once",
      "one cut and resume went before, to warm up: MB at first is memory before that one",
      "server CPU includes closing the old connections; memory is after a collection of garbage, where there is any",
    ],
    failures: failuresOf(series),
    summaries,
    data: { options, series },
  };
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {import("../contenders/contender.mjs").Contender} contender
 * @param {typeof defaults} options
 * @returns {Promise<Result>}
 */
async function measure(trial, contender, options) {
  await trial.connectPublishers(1);
  await trial.subscribe(options.subscribers);
  await trial.deliver({ events: 1 });
  const bytesAtFirst = await settledBytes(trial);
  await cutAndResume(trial, contender, options);
  const bytesBefore = await settledBytes(trial);
  const delivery = await cutAndResume(trial, contender, options);
  return { ...delivery, publishMs: 0, bytesAtFirst, bytesBefore, bytesAfter: await settledBytes(trial) };
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {import("../contenders/contender.mjs").Contender} contender
 * @param {typeof defaults} options
 */
async function cutAndResume(trial, { name, resume }, { subscribers, events }) {
  if (resume === undefined) throw new Error(`${name} cannot resume`);
  const channel = channelName(0);
  const position = await resume.position(trial.ports[0] ?? 0, channel);
  const request = () => resume.request(channel, position);
  return await trial.measure(async () => {
    await trial.disconnect();
    const { to } = await trial.publish({ events });
    const from = monotonicMs();
    const [finished] = await Promise.all([
      trial.finished(),
      trial.subscribe(subscribers, { expecting: events, request }),
    ]);
    return [finished, { from, to }];
  });
}

/** @param {import("../harness/trial.mjs").Trial} trial */
async function settledBytes(trial) {
  await trial.collectGarbage();
  return trial.usage().residentBytes;
}

function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
