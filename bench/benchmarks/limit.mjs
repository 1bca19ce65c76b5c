// How much the load generator can take: pre-made events from a server that does nothing else.

import { sse, websocket } from "../contenders/protocols.mjs";
import { build } from "../harness/build.mjs";
import { summarise, table } from "../harness/figures.mjs";
import { notePaceSetter, shares } from "../harness/pace-setter.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {rate: number}} Result */

/** `perWrite` events are written at once, as in `fanout`; and ten times as many, as in `ndjson`. */
export const defaults = { subscribers: 1000, events: 40_000, perWrite: 64, rounds: 3, timeoutMs: 60_000 };

const figures = {
  "deliveries/s": { title: "deliveries/s", of: (/** @type {Result} */ { rate }) => rate, spread: true },
  capacity: {
    title: "per subscribers' CPU-second",
    of: (/** @type {Result} */ { rate, elapsedMs, subscribersCpuMs }) => (rate * elapsedMs) / subscribersCpuMs,
  },
  ...shares,
};

/**
 * @param {unknown} _contenders its own
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(_contenders, options) {
  const { subscribers, events, perWrite, rounds } = options;
  const describe = (/** @type {Result} */ { rate }) => `${cell(rate).padStart(10)} deliveries/s`;
  const series = await runRounds(floods(options), options, (trial) => measure(trial, options), describe);
  const summaries = summarise(series, figures);
  return {
    benchmark: "limit",
    load: `${cell(subscribers)} subscribers, ${cell(events)} pre-made events of 100 bytes, ${perWrite} and ${10 * perWrite} a write, median of ${rounds}`,
    ...table(summaries, figures),
    goals: [],
    summaries,
    notes: summaries.flatMap(notePaceSetter),
    failures: failuresOf(series),
    data: { options, series },
  };
}

/**
 * @param {typeof defaults} options
 * @returns {import("../contenders/contender.mjs").Contender[]}
 */
function floods({ events, perWrite }) {
  const protocols = { sse: sse(() => "/"), websocket: websocket(() => "/") };
  const sizes = [perWrite, 10 * perWrite];
  return sizes.flatMap((size) =>
    Object.entries(protocols).map(([kind, protocol]) => ({
      name: `flood-${kind}, ${size} a write`,
      family: "flood",
      benchmarks: ["limit"],
      launch: ([port]) => ({
        command: build("flood", ["servers/flood.c", "load/event.c"], ["load/event.h"]),
        args: [String(port), kind, String(events), String(size)],
      }),
      protocol,
      publish: () => ({ path: "/" }),
    })),
  );
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {typeof defaults} options
 * @returns {Promise<Result>}
 */
async function measure(trial, { subscribers, events }) {
  await trial.subscribe(subscribers);
  await trial.connectPublishers(1);
  await trial.expect(events);
  // One publish sets the flood off.
  const delivery = await trial.measure(() => Promise.all([trial.finished(), trial.publish({ events: 1 })]));
  return { ...delivery, rate: (subscribers * events * 1000) / delivery.elapsedMs };
}
