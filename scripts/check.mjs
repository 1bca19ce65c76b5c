/**
 * Everything that must hold before a change is handed in: format and lint, types, dead code, the package as npm would
 * publish it, the sizes of what a page loads, and all tests. Each step runs, whatever came of those before it. The last
 * line printed is the number of tests, as the test runner counted them.
 *
 * With TAILWIRE_REQUIRE_REAL=1 a skipped test is a failure: there, every real part is meant to be installed.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "./fingerprint.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "tailwire-check-"));
const results = path.join(folder, "tests.json");
const bin = (name) => path.join(root, "node_modules", ".bin", name);
let allWell = true;

try {
  await step("format and lint", () =>
    run(bin("biome"), ["check", "--error-on-warnings", "--diagnostic-level=warn", "--max-diagnostics=none"]),
  );
  await step("types", () => run(bin("tsc"), ["--noEmit"]));
  await step("dead code", () => run(bin("knip"), ["--treat-config-hints-as-errors"]));
  await step("package", lintPackage);
  await step("sizes", measure);
  await step("tests", runTests);
  console.log(count());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = allWell ? 0 : 1;

/** Runs one step, and prints what it printed only where it failed, or has something to say all the same. */
async function step(name, work) {
  const begun = performance.now();
  const { ok, output, isNews = !ok } = await work();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  allWell &&= ok;
  if (isNews) console.log(output.trimEnd());
  console.log(`${ok ? "ok    " : "FAILED"}  ${name.padEnd(16)} ${seconds.padStart(6)} s`);
}

/** Packs what npm would publish, as it was built, and has it looked at from outside. */
async function lintPackage() {
  const packed = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]);
  if (!packed.ok) return packed;
  const tarball = path.join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(".tgz")),
  );
  const publint = await run(bin("publint"), ["run", tarball, "--strict"]);
  // client.js is for a `<script>` tag: a file to be served, and no module that has types.
  const noModules = ["--exclude-entrypoints", "client.js"];
  const attw = await run(bin("attw"), [tarball, "--profile", "esm-only", "--no-emoji", ...noModules]);
  return { ok: publint.ok && attw.ok, output: publint.output + attw.output };
}

/** Holds what a page loads against the budgets in .size-limit.js. */
async function measure() {
  const { ok, output } = await run(bin("size-limit"), ["--json"]);
  const sizes = readSizes(output)?.map(({ name, passed, size, sizeLimit }) => {
    const bytes = `${inDigits(size).padStart(6)} of ${inDigits(sizeLimit)} bytes`;
    return `        ${name.padEnd(36)} ${bytes}${passed ? "" : "  too much"}\n`;
  });
  return { ok, output: sizes?.join("") ?? output, isNews: true };
}

/** Undefined where it is a complaint instead. */
function readSizes(json) {
  try {
    const sizes = JSON.parse(json);
    return Array.isArray(sizes) && sizes.every(({ size }) => size !== undefined) ? sizes : undefined;
  } catch {
    return undefined;
  }
}

function inDigits(count) {
  return count.toLocaleString("en");
}

/** The test runner prints as it goes, so that a test that hangs can be seen. */
async function runTests() {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  const { ok } = await run("npm", ["test", "--silent", "--", ...reporters], "inherit");
  const why = whatIsWrong(ok);
  return { ok: why === undefined, output: why ?? "" };
}

/** Undefined where all is well, also by the numbers: a run of no tests is no success. */
function whatIsWrong(ranWell) {
  const { passed, failed, skipped } = numbers();
  if (passed + failed === 0) return "no test ran";
  if (!ranWell) return failed > 0 ? `${failed} tests failed` : "no test failed, but a file or the run did: see above";
  if (skipped > 0 && process.env.TAILWIRE_REQUIRE_REAL === "1") {
    return `${skipped} tests were skipped, and TAILWIRE_REQUIRE_REAL=1 allows none`;
  }
  return undefined;
}

function count() {
  const { passed, failed, skipped } = numbers();
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

/** What the test runner wrote of its run; all 0 where it could not even begin. */
function numbers() {
  try {
    const report = JSON.parse(readFileSync(results, "utf8"));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch (error) {
    if (error.code === "ENOENT") return { passed: 0, failed: 0, skipped: 0 };
    throw error;
  }
}

/** Runs a program in the repository; its output is kept, or shown as it comes. */
function run(command, args, output = "pipe") {
  return new Promise((resolve) => {
    const shell = process.platform === "win32";
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", output, output], shell });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
    }
    child.on("error", (error) => resolve({ ok: false, output: `${command}: ${error.message}\n` }));
    child.on("close", (code) => resolve({ ok: code === 0, output: text }));
  });
}
