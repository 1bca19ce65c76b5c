// Compiles the C programs of a run into .build/, where their sources are newer.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../", import.meta.url);
const output = new URL(".build/", folder);

/**
 * The path of load/{name}.c, compiled with what the load generator's programs share.
 * @param {string} name
 */
export function buildLoad(name) {
  const files = readdirSync(new URL("load/", folder)).map((file) => `load/${file}`);
  const shared = files.filter((file) => existsSync(new URL(file.replace(/\.c$/, ".h"), folder)) && file.endsWith(".c"));
  const headers = files.filter((file) => file.endsWith(".h"));
  return build(name, [`load/${name}.c`, ...shared], headers);
}

/**
 * @param {string} name of the program
 * @param {string[]} sources below bench/
 * @param {string[]} [headers]
 * @returns {string} its path
 */
export function build(name, sources, headers = []) {
  const program = fileURLToPath(new URL(name, output));
  if (isFresh(program, [...sources, ...headers])) return program;
  mkdirSync(output, { recursive: true });
  // Under a name of its own until it is whole: tests run beside each other, and may want the same program.
  const unfinished = `${program}.${process.pid}`;
  const args = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", unfinished, ...sources, "-lm"];
  const { status, error } = spawnSync("cc", args, { cwd: fileURLToPath(folder), stdio: "inherit" });
  if (error) throw new Error("the benchmarks need a C compiler: there is no `cc` (Debian: apt install gcc libc6-dev)");
  if (status !== 0) throw new Error(`${name} could not be compiled`);
  renameSync(unfinished, program);
  return program;
}

/**
 * @param {string} program
 * @param {string[]} files
 */
function isFresh(program, files) {
  if (!existsSync(program)) return false;
  const { mtimeMs } = statSync(program);
  return files.every((file) => statSync(new URL(file, folder)).mtimeMs < mtimeMs);
}
