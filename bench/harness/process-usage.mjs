// What a process costs, seen from outside: /proc/PID/stat and /proc/PID/statm (proc(5)). Linux only.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

const ticksPerSecond = systemNumber("CLK_TCK", 100);
const pageBytes = systemNumber("PAGESIZE", 4096);

/** @returns {number | undefined} milliseconds of CPU, user and system, since the process began */
export function cpuMs(/** @type {number} */ pid) {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the name in parentheses, which may hold spaces; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** @returns {number | undefined} bytes of resident memory */
export function residentBytes(/** @type {number} */ pid) {
  const statm = readProc(`/proc/${pid}/statm`);
  return statm === undefined ? undefined : Number(statm.split(" ")[1]) * pageBytes;
}

/** Milliseconds of CPU that the whole machine has spent, all cores together. */
export function machineCpuMs() {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

/** @param {string} path */
function readProc(path) {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/**
 * @param {string} name
 * @param {number} fallback
 */
function systemNumber(name, fallback) {
  try {
    return Number(execFileSync("getconf", [name], { encoding: "latin1" })) || fallback;
  } catch {
    return fallback;
  }
}
