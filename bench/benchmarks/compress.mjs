// JSON events in bursts, compressed and not: bytes on the wire, and what saving them costs.
//
// The load generator cannot look into a compressed stream while it measures. It compares every subscriber's bytes with the
// first's; what those say is inflated and checked afterwards, every event to the byte.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ratioGoal, summarise, table } from "../harness/figures.mjs";
import { cell } from "../harness/report.mjs";
import { failuresOf, runRounds } from "../harness/rounds.mjs";
import { sseData, websocketText } from "../harness/wire-text.mjs";
import { findOrders, ID_BYTES, ORDER_BYTES, orders, readOrder } from "../load/orders.mjs";

/** @typedef {import("../contenders/contender.mjs").Contender} Contender */
/** @typedef {import("../harness/trial.mjs").Trial} Trial */
/** @typedef {import("../harness/trial.mjs").Delivery & {events: number, deliveries: number, wireBytes: number}} Result
 *   `wireBytes`: of one subscriber */

export const defaults = {
  subscribers: 1000,
  burst: 20,
  perSecond: 100,
  seconds: 5,
  warmup: 1,
  rounds: 3,
  timeoutMs: 120_000,
};

const bytes = "bytes an event";
const cpu = "CPU a delivery";
const figures = {
  [bytes]: {
    title: "bytes an event",
    of: (/** @type {Result} */ { wireBytes, events }) => wireBytes / events,
    digits: 1,
  },
  [cpu]: {
    title: "server µs/delivery",
    of: (/** @type {Result} */ { deliveries, serverCpuMs }) => (serverCpuMs * 1000) / deliveries,
    digits: 2,
    spread: true,
  },
  memory: { title: "server MB", of: (/** @type {Result} */ { residentBytes }) => residentBytes / 1e6 },
  elapsed: { title: "took s", of: (/** @type {Result} */ { elapsedMs }) => elapsedMs / 1000, digits: 1 },
};

const goals = [
  { plain: "tailwire-sse", compressed: "tailwire-sse-gzip" },
  { plain: "tailwire-v1", compressed: "tailwire-v1-deflate" },
];

/**
 * @param {Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  const { subscribers, burst, perSecond, seconds, rounds } = options;
  const describe = (/** @type {Result} */ result) =>
    `${cell(figures[bytes]?.of(result), 1).padStart(6)} bytes an event, ${cell(figures[cpu]?.of(result), 2)} µs a delivery`;
  const series = await runRounds(
    contenders,
    options,
    (trial, contender) => measure(trial, contender, options),
    describe,
  );
  const summaries = summarise(series, figures);
  return {
    benchmark: "compress",
    load: `1 channel, ${cell(subscribers)} subscribers, JSON events of ${ORDER_BYTES} bytes, ${burst} at once, ${perSecond} a second for ${seconds} s, median of ${rounds}`,
    ...table(summaries, figures),
    goals: goals.flatMap(({ plain, compressed }) => [
      ...ratioGoal(summaries, { of: plain, over: compressed, figure: bytes, sense: "at least", limit: 4 }),
      ...ratioGoal(summaries, { of: compressed, over: plain, figure: cpu, sense: "at most", limit: 1.3 }),
    ]),
    summaries,
    notes: [
      "tailwire-websocket is raw: each event is a message, and one of less than 512 bytes is not compressed; tailwire-v1 is what our client speaks, where a flush is one message",
      "ws-deflate keeps a compressor for each client, as ws does by default: fewer bytes, for a compression each",
    ],
    failures: failuresOf(series),
    data: { options, series },
  };
}

/**
 * @param {Trial} trial
 * @param {Contender} contender
 * @param {typeof defaults} options
 * @returns {Promise<Result>}
 */
async function measure(trial, contender, { subscribers, burst, perSecond, seconds, warmup }) {
  trial.setEventBytes(ID_BYTES);
  await trial.subscribe(subscribers);
  const targets = orders.map((order) => ({ ...contender.publish("bench0"), ...order }));
  await trial.connectPublishers(burst, { targets, eventBytes: ID_BYTES });
  // What each is told alone when it subscribes has come by then; compressed, nobody here can see when.
  await sleep(SETTLE_MS);
  await trial.mirror();
  const folder = mkdtempSync(join(tmpdir(), "tailwire-bench-"));
  try {
    const mirror = { trial, contender, file: join(folder, "bytes") };
    const before = await deliver(mirror, { events: perSecond * warmup, perSecond, burst }, 0);
    const events = perSecond * seconds;
    const after = await deliver(mirror, { events, perSecond, burst }, perSecond * warmup);
    return {
      ...after.delivery,
      events,
      deliveries: events * subscribers,
      wireBytes: after.wireBytes - before.wireBytes,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {{trial: Trial, contender: Contender, file: string}} mirror
 * @param {import("../harness/trial.mjs").Load} load
 * @param {number} earlier events that were delivered before
 */
async function deliver({ trial, contender, file }, load, earlier) {
  let wireBytes = 0;
  const delivery = await trial.measure(async () => {
    const published = await trial.publish(load);
    wireBytes = await untilQuiet(trial);
    return [published.to, published];
  });
  await trial.dump(file);
  verify(readEvents(readFileSync(file), contender).slice(earlier), load.events);
  return { delivery, wireBytes };
}

/**
 * Until all subscribers have the same number of bytes, and no more come.
 * @param {Trial} trial
 */
async function untilQuiet(trial) {
  for (let before = -1; ; await sleep(QUIET_MS)) {
    const { least, most } = await trial.census();
    if (least === most && most === before) return most;
    before = least === most ? most : -1;
  }
}

const QUIET_MS = 200;
const SETTLE_MS = 500;

/**
 * @param {Buffer} wire
 * @param {Contender} contender
 */
function readEvents(wire, { name, protocol }) {
  return findOrders(
    protocol.framing === "chunks" ? sseData(wire, name.endsWith("gzip")).join("\n") : websocketText(wire),
  );
}

/**
 * Each of the events must be there, once and whole.
 * @param {string[]} texts
 * @param {number} events
 */
function verify(texts, events) {
  const seen = new Set(texts.map(readOrder));
  if (seen.has(undefined)) throw new Error("an event is not what was published");
  if (texts.length !== events || seen.size !== events) {
    throw new Error(`${texts.length} events came instead of ${events}, ${seen.size} of them different`);
  }
}
