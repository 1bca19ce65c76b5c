// `npm run bench -- [benchmark …] [options]`: see README.md.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { contenders } from "./contenders.mjs";
import { describeMachine } from "./harness/machine.mjs";
import { printReport } from "./harness/report.mjs";

const DEFAULT_BENCHMARKS = ["fanout", "idle"];

const number = /** @type {const} */ ({ type: "string" });
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    subscribers: number,
    events: number,
    publishers: number,
    warmup: number,
    rounds: number,
    "settle-ms": number,
    "timeout-ms": number,
    "per-write": number,
    only: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean" },
  },
});

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

/** @returns {Promise<number>} the exit code: 1 where a run failed, 2 where nothing was run; a goal that is not met is no failure */
async function main() {
  if (values.help) return usage();
  installPeers();
  const names = positionals.length > 0 ? positionals : DEFAULT_BENCHMARKS;
  const unknown = names.find((name) => !benchmarkNames().includes(name));
  if (unknown !== undefined) return usage(`there is no benchmark "${unknown}"`);
  const chosen = chooseContenders();
  const machine = describeMachine();
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join(", "),
  );
  const reports = [];
  for (const name of names) {
    const { run, defaults } = await import(`./benchmarks/${name}.mjs`);
    const report = await run(chosen, { ...defaults, ...numericOptions() });
    printReport(report);
    reports.push(report);
  }
  if (values.json) writeJson(values.json, { at: new Date(), machine, reports });
  return reports.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

/** @param {string} [problem] */
function usage(problem) {
  if (problem) console.error(problem);
  console.log(`npm run bench -- [${benchmarkNames().join(" | ")}] …
  --subscribers N --events N --publishers N --warmup N --rounds N --settle-ms N --timeout-ms N --per-write N
  --only NAME,NAME   of ${contenders.map(({ name }) => name).join(", ")}
  --json FILE        every measurement`);
  return problem ? 2 : 0;
}

function benchmarkNames() {
  return readdirSync(new URL("benchmarks/", import.meta.url)).map((file) => file.replace(/\.mjs$/, ""));
}

/** What is to run, and can. */
function chooseContenders() {
  const only = values.only?.split(",");
  const strange = only?.find((name) => !contenders.some((contender) => contender.name === name));
  if (strange !== undefined) throw new Error(`there is no contender "${strange}"`);
  const chosen = contenders.filter(({ name }) => only === undefined || only.includes(name));
  const built = existsSync(new URL("../dist/index.js", import.meta.url));
  if (!built && chosen.some(({ server }) => server === "servers/tailwire.mjs")) {
    throw new Error("Tailwire is not built: npm run build");
  }
  return chosen;
}

/** The options given, as numbers, under the names that the benchmarks' defaults have. */
function numericOptions() {
  const { only, json, help, ...numbers } = values;
  return Object.fromEntries(
    Object.entries(numbers).map(([name, text]) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number`);
      return [name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()), value];
    }),
  );
}

/**
 * @param {string} file
 * @param {object} results
 */
function writeJson(file, results) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
}

function installPeers() {
  if (existsSync(new URL("node_modules/.package-lock.json", import.meta.url))) return;
  console.error("installing the peers …");
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd, stdio: "inherit" });
  if (status !== 0) throw new Error("the peers could not be installed (npm ci in bench/)");
}
