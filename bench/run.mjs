// `npm run bench -- [benchmark …] [options]`: see README.md.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawChart } from "./harness/chart.mjs";
import { describeMachine } from "./harness/machine.mjs";
import { printReport } from "./harness/report.mjs";

/** A whole run, in this order. */
const DEFAULT_BENCHMARKS = [
  "fanout",
  "ndjson",
  "pace",
  "channels",
  "latency",
  "idle",
  "resume",
  "poll",
  "slow",
  "compress",
  "workers",
  "costs",
];

const folder = fileURLToPath(new URL(".", import.meta.url));

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

/** @returns {Promise<number>} the exit code: 1 where a run failed, 2 where nothing was run; a goal that is not met is no failure */
async function main() {
  installPeers();
  const benchmarks = await loadBenchmarks();
  const { contenders } = await import("./contenders.mjs");
  const { values, positionals } = readArguments(benchmarks);
  const unknown = positionals.find((name) => !benchmarks.has(name));
  if (unknown !== undefined) console.error(`there is no benchmark "${unknown}"`);
  if (values.help || unknown !== undefined) return usage(benchmarks, contenders) ?? (unknown === undefined ? 0 : 2);
  const chosen = chooseContenders(contenders, values.only);
  const machine = describeMachine();
  console.log(
    Object.entries(machine)
      .flatMap(([name, value]) => `${name}: ${value}`)
      .join(", "),
  );
  const names = positionals.length > 0 ? positionals : DEFAULT_BENCHMARKS.filter((name) => benchmarks.has(name));
  const reports = [];
  const begun = Date.now();
  for (const name of names) {
    const { run, defaults } = /** @type {Benchmark} */ (benchmarks.get(name));
    const takingPart = chosen.filter((contender) => contender.benchmarks.includes(name));
    // `limit` brings its own.
    if (takingPart.length === 0 && contenders.some((contender) => contender.benchmarks.includes(name))) continue;
    const begunThis = Date.now();
    const report = await run(takingPart, { ...defaults, ...numericOptions(values, defaults) });
    printReport(report);
    console.log(`${name} took ${minutes(Date.now() - begunThis)}`);
    reports.push(report);
  }
  console.log(`\nall of it took ${minutes(Date.now() - begun)}`);
  const chart = values.svg === undefined ? undefined : drawChart(reports, `${machine.cpu}, Node ${machine.node}`);
  if (values.svg && chart) writeFile(values.svg, chart);
  if (values.json) writeFile(values.json, JSON.stringify({ at: new Date(), machine, reports }, undefined, 2));
  return reports.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

/**
 * @typedef {object} Benchmark
 * @property {Record<string, number>} defaults its options
 * @property {(contenders: import("./contenders/contender.mjs").Contender[], options: any) => Promise<import("./harness/report.mjs").Report>} run
 */

/** @returns {Promise<Map<string, Benchmark>>} */
async function loadBenchmarks() {
  const files = readdirSync(new URL("benchmarks/", import.meta.url));
  const modules = files.map(async (file) => [file.replace(/\.mjs$/, ""), await import(`./benchmarks/${file}`)]);
  return new Map(/** @type {[string, Benchmark][]} */ (await Promise.all(modules)));
}

/** @param {Map<string, Benchmark>} benchmarks */
function readArguments(benchmarks) {
  const text = /** @type {const} */ ({ type: "string" });
  const numbers = [...benchmarks.values()].flatMap(({ defaults }) => Object.keys(defaults));
  return parseArgs({
    allowPositionals: true,
    options: {
      ...Object.fromEntries(numbers.map((name) => [dashed(name), text])),
      only: text,
      json: text,
      svg: text,
      help: { type: "boolean" },
    },
  });
}

/**
 * @param {Map<string, Benchmark>} benchmarks
 * @param {import("./contenders/contender.mjs").Contender[]} contenders
 */
function usage(benchmarks, contenders) {
  console.log("npm run bench -- [benchmark …] [options]\n");
  for (const [name, { defaults }] of benchmarks) {
    console.log(
      `  ${name.padEnd(10)} ${Object.entries(defaults)
        .map(([option, value]) => `--${dashed(option)} ${value}`)
        .join(" ")}`,
    );
  }
  console.log(`
  --only NAME,NAME   of ${contenders.map(({ name }) => name).join(", ")}
  --json FILE        every measurement
  --svg FILE         a chart`);
}

/**
 * What is to run, and can. The others are named.
 * @param {import("./contenders/contender.mjs").Contender[]} contenders
 * @param {string} [only] names or families
 */
function chooseContenders(contenders, only) {
  const names = only?.split(",");
  const strange = names?.find((name) => !contenders.some((contender) => isMeant(contender, name)));
  if (strange !== undefined) throw new Error(`there is no contender "${strange}"`);
  if (!existsSync(new URL("../dist/index.js", import.meta.url)))
    throw new Error("Tailwire is not built: npm run build");
  return contenders
    .filter((contender) => names === undefined || names.some((name) => isMeant(contender, name)))
    .filter(({ name, missing }) => {
      const why = missing?.();
      if (why !== undefined) console.error(`left out: ${name} (${why})`);
      return why === undefined;
    });
}

/**
 * @param {import("./contenders/contender.mjs").Contender} contender
 * @param {string} name
 */
function isMeant(contender, name) {
  return contender.name === name || contender.family === name;
}

/**
 * The options given that this benchmark has.
 * @param {Record<string, string | boolean | undefined>} values
 * @param {Record<string, number>} defaults
 */
function numericOptions(values, defaults) {
  const given = Object.keys(defaults).filter((name) => values[dashed(name)] !== undefined);
  return Object.fromEntries(
    given.map((name) => {
      const value = Number(values[dashed(name)]);
      if (!Number.isFinite(value) || value < 0) throw new Error(`--${dashed(name)} must be a number`);
      return [name, value];
    }),
  );
}

/** @param {number} ms */
function minutes(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** @param {string} name */
function dashed(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * @param {string} file
 * @param {string} text
 */
function writeFile(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text}\n`);
}

function installPeers() {
  const [wanted, installed] = ["package-lock.json", "node_modules/.package-lock.json"].map(
    (file) => statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs,
  );
  if (wanted !== undefined && installed !== undefined && installed >= wanted) return;
  console.error("installing the peers …");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit" });
  if (status !== 0) throw new Error("the peers could not be installed (npm ci in bench/)");
}
