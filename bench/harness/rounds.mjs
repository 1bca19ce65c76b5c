// Several rounds over several contenders, in turn, so that a slow minute of the machine hits all of them.

import { runTrial } from "./trial.mjs";

/** @typedef {import("../contenders.mjs").Contender} Contender */

/**
 * @template T
 * @typedef {{contender: string, results: T[], failures: string[]}} Series
 */

/**
 * @template T
 * @param {Contender[]} contenders
 * @param {{rounds: number, timeoutMs: number}} options
 * @param {(trial: import("./trial.mjs").Trial) => Promise<T>} measure
 * @param {(result: T) => string} describe one line to show while it runs
 * @returns {Promise<Series<T>[]>}
 */
export async function runRounds(contenders, { rounds, timeoutMs }, measure, describe) {
  /** @type {Series<T>[]} */
  const series = contenders.map(({ name }) => ({ contender: name, results: [], failures: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const outcome = await runTrial(contender, timeoutMs, measure);
      const line = "failed" in outcome ? `FAILED: ${outcome.failed}` : describe(outcome.value);
      console.error(`  round ${round}/${rounds}  ${contender.name.padEnd(20)} ${line}`);
      if ("failed" in outcome) series[index]?.failures.push(outcome.failed);
      else series[index]?.results.push(outcome.value);
    }
  }
  return series;
}

/**
 * @param {(number | undefined)[]} values
 * @returns {number | undefined} undefined where a value is missing, or all are
 */
export function median(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length < values.length || sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}
