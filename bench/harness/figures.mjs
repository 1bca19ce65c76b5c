// From single measurements to a table: medians, spreads, and ratios between contenders.

import { cell } from "./report.mjs";

/**
 * What is reported of every result.
 * @template T
 * @typedef {object} Figure
 * @property {string} title
 * @property {(result: T) => number | undefined} of
 * @property {number} [digits] behind the point
 * @property {boolean} [spread] whether the least and the most are shown too
 */

/** @typedef {{median: number, min: number, max: number}} Spread */

/**
 * A contender that failed in any round has no figures.
 * @typedef {{contender: string, failed: boolean, figures: Record<string, Spread | undefined>}} Summary
 */

/**
 * @template T
 * @param {import("./rounds.mjs").Series<T>[]} series
 * @param {Record<string, Figure<T>>} figures
 * @returns {Summary[]}
 */
export function summarise(series, figures) {
  return series.map(({ contender, results, failures }) => {
    const failed = failures.length > 0;
    const spreads = Object.entries(figures).map(([name, { of }]) => [
      name,
      failed ? undefined : spread(results.map(of)),
    ]);
    return { contender, failed, figures: Object.fromEntries(spreads) };
  });
}

/**
 * The columns and rows of a table.
 * @param {Summary[]} summaries
 * @param {Record<string, Figure<any>>} figures
 */
export function table(summaries, figures) {
  const shown = Object.entries(figures);
  return {
    columns: ["", ...shown.flatMap(([, { title, spread }]) => (spread ? [title, "min–max"] : [title]))],
    rows: summaries.map((summary) => [summary.contender, ...shown.flatMap((figure) => cells(summary, ...figure))]),
  };
}

/**
 * @param {Summary} summary
 * @param {string} name
 * @param {Figure<any>} figure
 */
function cells({ failed, figures }, name, { digits, spread }) {
  const value = figures[name];
  const typical = failed ? "FAILED" : cell(value?.median, digits);
  if (!spread) return [typical];
  return [typical, value === undefined ? "-" : `${cell(value.min, digits)}–${cell(value.max, digits)}`];
}

/**
 * A goal between contenders: of's figure divided by the best among those of `over` (the most where more is better).
 * @param {Summary[]} summaries
 * @param {{of: string, over: string | string[], figure: string, sense: "at least" | "at most", limit: number}} goal
 * @returns {import("./report.mjs").Goal[]} none where not all took part
 */
export function ratioGoal(summaries, { of, over, figure, sense, limit }) {
  const others = [over].flat();
  const named = [of, ...others].map((name) => summaries.find(({ contender }) => contender === name));
  if (named.includes(undefined)) return [];
  const [mine, ...theirs] = named.map((summary) => summary?.figures[figure]?.median);
  const known = theirs.filter((value) => value !== undefined);
  const best = sense === "at least" ? Math.max(...known) : Math.min(...known);
  const value = mine === undefined || known.length < theirs.length ? undefined : mine / best;
  return [{ name: `${of} / ${others.join(" or ")}, ${figure}`, value, limit, sense, unit: "x" }];
}

/**
 * @param {Summary[]} summaries
 * @param {{of: string, figure: string, sense: "at least" | "at most", limit: number, unit: string}} goal
 * @returns {import("./report.mjs").Goal[]} none where it did not take part
 */
export function absoluteGoal(summaries, { of, figure, sense, limit, unit }) {
  const summary = summaries.find(({ contender }) => contender === of);
  if (summary === undefined) return [];
  return [{ name: `${of}, ${figure}`, value: summary.figures[figure]?.median, limit, sense, unit }];
}

/**
 * @param {(number | undefined)[]} values
 * @returns {Spread | undefined} undefined where a value is missing, or all are
 */
function spread(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (sorted.length < values.length || min === undefined || max === undefined) return undefined;
  const upper = sorted[sorted.length >> 1] ?? 0;
  const lower = sorted[(sorted.length - 1) >> 1] ?? 0;
  return { median: (lower + upper) / 2, min, max };
}
