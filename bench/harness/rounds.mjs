// Several rounds over several contenders, in turn, so that a slow minute of the machine hits all of them.

import { runTrial } from "./trial.mjs";

/** @typedef {import("../contenders/contender.mjs").Contender} Contender */

/**
 * @template T
 * @typedef {{contender: string, results: T[], failures: string[]}} Series
 */

/**
 * @template T
 * @template {Contender} C
 * @param {C[]} contenders
 * @param {{rounds: number, timeoutMs: number}} options
 * @param {(trial: import("./trial.mjs").Trial, contender: C) => Promise<T>} measure
 * @param {(result: T) => string} describe one line to show while it runs
 * @returns {Promise<Series<T>[]>}
 */
export async function runRounds(contenders, { rounds, timeoutMs }, measure, describe) {
  /** @type {Series<T>[]} */
  const series = contenders.map(({ name }) => ({ contender: name, results: [], failures: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const outcome = await runTrial(contender, timeoutMs, (trial) => measure(trial, contender));
      const line = "failed" in outcome ? `FAILED: ${outcome.failed}` : describe(outcome.value);
      console.error(`  round ${round}/${rounds}  ${contender.name.padEnd(20)} ${line}`);
      if ("failed" in outcome) series[index]?.failures.push(outcome.failed);
      else series[index]?.results.push(outcome.value);
    }
  }
  return series;
}

/**
 * The failures of all, for a report.
 * @param {Series<any>[]} series
 */
export function failuresOf(series) {
  return series.flatMap(({ contender, failures }) => failures.map((failure) => `${contender}: ${failure}`));
}
