// One channel, many subscribers, events as fast as the publishers can.

import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { cell } from "../harness/report.mjs";
import { median, runRounds } from "../harness/rounds.mjs";
import { MAX_EVENTS } from "../load/event.mjs";

/** @typedef {import("../harness/trial.mjs").Delivery & {residentBytes: number | undefined}} Result */
/** @typedef {import("../harness/rounds.mjs").Series<Result>} Series */
/** @typedef {ReturnType<typeof summarise>} Summary */

export const defaults = { subscribers: 1000, events: 2000, publishers: 16, warmup: 200, rounds: 3, timeoutMs: 180_000 };

/** How many times the other's deliveries per second. */
const goals = [
  { of: "tailwire-sse", over: "socket.io", limit: 10 },
  { of: "tailwire-websocket", over: "socket.io", limit: 10 },
  { of: "tailwire-sse", over: "ws", limit: 5 },
  { of: "tailwire-websocket", over: "ws", limit: 5 },
];

/**
 * @param {import("../contenders.mjs").Contender[]} contenders
 * @param {typeof defaults} options
 * @returns {Promise<import("../harness/report.mjs").Report>}
 */
export async function run(contenders, options) {
  if (Math.max(options.events, options.warmup) > MAX_EVENTS) throw new Error(`--events: at most ${MAX_EVENTS}`);
  const series = await runRounds(contenders, options, (trial) => measure(trial, options), describe(options));
  const summaries = series.map((one) => summarise(one, options));
  return {
    benchmark: "fanout",
    load: `1 channel, ${cell(options.subscribers)} subscribers, ${cell(options.events)} events of 100 bytes from ${options.publishers} publishers, median of ${options.rounds}`,
    columns: ["", "deliveries/s", "server µs/delivery", "server MB", "server CPU", "subscribers CPU", "publishers CPU"],
    rows: summaries.map(row),
    goals: goals.flatMap((goal) => compare(goal, summaries)),
    notes: summaries.flatMap(limits),
    failures: series.flatMap(({ contender, failures }) => failures.map((failure) => `${contender}: ${failure}`)),
    data: { options, series },
  };
}

/**
 * @param {import("../harness/trial.mjs").Trial} trial
 * @param {typeof defaults} options
 * @returns {Promise<Result>}
 */
async function measure(trial, { subscribers, events, publishers, warmup }) {
  await trial.subscribe(subscribers);
  await trial.connectPublishers(publishers);
  await sleep(500);
  if (warmup > 0) await trial.deliver(warmup);
  const delivery = await trial.deliver(events);
  return { ...delivery, residentBytes: trial.residentBytes() };
}

/** @param {typeof defaults} options */
function describe({ subscribers, events }) {
  return (/** @type {Result} */ { elapsedMs, alone }) =>
    `${cell((subscribers * events * 1000) / elapsedMs).padStart(10)} deliveries/s${alone > 0 ? `, ${alone} decoded alone` : ""}`;
}

/**
 * A contender that failed in any round has no figures.
 * @param {Series} series
 * @param {typeof defaults} options
 */
function summarise({ contender, results, failures }, { subscribers, events }) {
  const deliveries = subscribers * events;
  /** @param {(result: Result) => number | undefined} figure */
  const typical = (figure) => (failures.length > 0 ? undefined : median(results.map(figure)));
  /** @param {"serverCpuMs" | "subscribersCpuMs" | "publishersCpuMs" | "machineCpuMs"} name */
  const share = (name) => typical((result) => map(result[name], (ms) => ms / result.elapsedMs));
  return {
    contender,
    failed: failures.length > 0,
    perSecond: typical(({ elapsedMs }) => (deliveries * 1000) / elapsedMs),
    microsEach: typical(({ serverCpuMs }) => map(serverCpuMs, (ms) => (ms * 1000) / deliveries)),
    megabytes: typical(({ residentBytes }) => map(residentBytes, (bytes) => bytes / 1e6)),
    server: share("serverCpuMs"),
    subscribers: share("subscribersCpuMs"),
    publishers: share("publishersCpuMs"),
    machine: share("machineCpuMs"),
  };
}

/** @param {Summary} summary */
function row(summary) {
  return [
    summary.contender,
    summary.failed ? "FAILED" : cell(summary.perSecond),
    cell(summary.microsEach, 2),
    cell(summary.megabytes),
    percent(summary.server),
    percent(summary.subscribers),
    percent(summary.publishers),
  ];
}

/**
 * @param {(typeof goals)[number]} goal
 * @param {Summary[]} summaries
 * @returns {import("../harness/report.mjs").Goal[]} none where one of the two did not take part
 */
function compare({ of, over, limit }, summaries) {
  const mine = summaries.find(({ contender }) => contender === of);
  const theirs = summaries.find(({ contender }) => contender === over);
  if (mine === undefined || theirs === undefined) return [];
  const value = map(mine.perSecond, (rate) => map(theirs.perSecond, (other) => rate / other));
  return [{ name: `${of} / ${over}, deliveries/s`, value, limit, sense: "at least", unit: "x" }];
}

/**
 * Where something other than the server set the pace, the figure is a lower bound.
 * @param {Summary} summary
 */
function limits({ contender, server = 0, subscribers = 0, publishers = 0, machine = 0 }) {
  const cores = availableParallelism();
  const ours = server + subscribers + publishers;
  if (server >= 0.9) return [];
  if (subscribers >= 0.9) return [`${contender}: the subscribers' process is saturated; the server could do more`];
  if (publishers >= 0.9) return [`${contender}: the publishers' process is saturated; the server could do more`];
  if (ours >= 0.9 * cores) return [`${contender}: the load took the cores that the server lacked; it could do more`];
  if (machine >= 0.9 * cores)
    return [`${contender}: the machine was busy with something else (${percent(machine - ours)}); it could do more`];
  return [];
}

/** @param {number | undefined} share */
function percent(share) {
  return share === undefined ? "-" : `${cell(share * 100)} %`;
}

/**
 * @param {number | undefined} value
 * @param {(value: number) => number | undefined} change
 */
function map(value, change) {
  return value === undefined ? undefined : change(value);
}
