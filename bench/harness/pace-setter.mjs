// What set the pace: where it was not the server, its figure is a lower bound.

import { availableParallelism } from "node:os";
import { cell } from "./report.mjs";

const SATURATED = 0.9;

/**
 * @param {import("./figures.mjs").Summary} summary whose figures have the shares of a core named below
 * @returns {string[]} a note, or none
 */
export function notePaceSetter({ contender, figures }) {
  const cores = availableParallelism();
  const share = (/** @type {string} */ name) => figures[name]?.median ?? 0;
  const [server, subscribers, publishers] = [share("server"), share("subscribers"), share("publishers")];
  const ours = server + subscribers + publishers;
  const machine = share("machine");
  const so = "the server could do more";
  if (server >= SATURATED || machine === 0) return [];
  if (subscribers >= SATURATED) return [`${contender}: the subscribers' process is saturated; ${so}`];
  if (publishers >= SATURATED) return [`${contender}: the publishers' process is saturated; ${so}`];
  if (ours >= SATURATED * cores) return [`${contender}: the load took the cores that the server lacked; ${so}`];
  if (machine >= SATURATED * cores)
    return [`${contender}: the machine was busy with something else (${cell((machine - ours) * 100)} %); ${so}`];
  return [];
}

/** The figures that it reads, of a Delivery: shares of a core. */
export const shares = {
  server: shareOf("server CPU", "serverCpuMs"),
  subscribers: shareOf("subscribers CPU", "subscribersCpuMs"),
  publishers: shareOf("publishers CPU", "publishersCpuMs"),
  machine: shareOf("machine CPU", "machineCpuMs"),
};

/**
 * @param {string} title
 * @param {"serverCpuMs" | "subscribersCpuMs" | "publishersCpuMs" | "machineCpuMs"} name
 */
function shareOf(title, name) {
  const of = (/** @type {import("./trial.mjs").Delivery} */ delivery) => delivery[name] / delivery.elapsedMs;
  return { title, of, digits: 2 };
}
