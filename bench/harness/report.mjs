// What a benchmark has to say, and how it is printed.

/**
 * A goal: `value` must be at least (or at most) `limit`. No value (a run failed): not met.
 * @typedef {{name: string, value: number | undefined, limit: number, sense: "at least" | "at most", unit: string}} Goal
 */

/**
 * @typedef {object} Report
 * @property {string} benchmark
 * @property {string} load in words
 * @property {string[]} columns
 * @property {string[][]} rows the cells of a table, a contender each
 * @property {Goal[]} goals
 * @property {string[]} notes what a reader of the figures must know
 * @property {string[]} failures runs that count for nothing
 * @property {import("./figures.mjs").Summary[]} summaries
 * @property {object} data every single measurement
 */

/** @param {Report} report */
export function printReport(report) {
  console.log(`\n${report.benchmark}: ${report.load}\n`);
  printTable(report.columns, report.rows);
  for (const note of report.notes) console.log(`note: ${note}`);
  for (const failure of report.failures) console.log(`FAILED: ${failure}`);
  if (report.goals.length > 0) console.log("");
  for (const goal of report.goals) console.log(describeGoal(goal));
}

/** @param {Goal} goal */
function isMet({ value, limit, sense }) {
  return value !== undefined && (sense === "at least" ? value >= limit : value <= limit);
}

/** @param {Goal} goal */
function describeGoal(goal) {
  const value = goal.value === undefined ? "no figure" : `${cell(goal.value, goal.value < 1000 ? 2 : 0)}${goal.unit}`;
  return `${isMet(goal) ? "met     " : "NOT MET "} ${goal.name}: ${value} (goal: ${goal.sense} ${goal.limit.toLocaleString("en-US")}${goal.unit})`;
}

/**
 * @param {string[]} columns the first is aligned left, the others right
 * @param {string[][]} rows
 */
function printTable(columns, rows) {
  const table = [columns, ...rows];
  const widths = columns.map((_, n) => Math.max(...table.map((row) => row[n]?.length ?? 0)));
  const line = (/** @type {string[]} */ row) =>
    row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join("  ");
  console.log(line(columns));
  console.log(widths.map((width) => "-".repeat(width)).join("  "));
  for (const row of rows) console.log(line(row));
  console.log("");
}

/**
 * @param {number | undefined} value
 * @param {number} digits behind the point
 */
export function cell(value, digits = 0) {
  if (value === undefined) return "-";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
