/**
 * Prints what a run of the tests skipped for want of a real part: each line once, at the end, however many test files
 * (each in a process of its own) missed it.
 */

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const VARIABLE = "TAILWIRE_TEST_NOTES";

/** Begins a run, in the test runner's own process; what it returns ends it. */
export function setup(): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), "tailwire-tests-"));
  const file = path.join(folder, "notes");
  appendFileSync(file, "");
  process.env[VARIABLE] = file;
  return () => {
    const lines = new Set(
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    );
    for (const line of lines) process.stdout.write(`${line}\n`);
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Adds a line to what is printed at the end. */
export function noteMissing(line: string, env: NodeJS.ProcessEnv): void {
  const file = env[VARIABLE];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}
