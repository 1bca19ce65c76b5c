// What processes cost, seen from outside: /proc/PID/stat (proc(5)). Linux only.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const msPerTick = 1000 / systemNumber("CLK_TCK", 100);
const pageBytes = systemNumber("PAGESIZE", 4096);

/**
 * @typedef {object} Usage
 * @property {number} cpuMs user and system, since the processes began
 * @property {number} residentBytes
 * @property {number} peakResidentBytes the most that each has had, together
 */

/**
 * All processes of a group together: nginx has two, Pushpin several.
 * @param {number} group its id, which is its leader's
 * @returns {Usage}
 */
export function groupUsage(group) {
  const usage = { cpuMs: 0, residentBytes: 0, peakResidentBytes: 0 };
  for (const name of readdirSync("/proc")) {
    const fields = statFields(name);
    if (Number(fields[PGRP]) !== group) continue;
    usage.cpuMs += (Number(fields[UTIME]) + Number(fields[STIME])) * msPerTick;
    usage.residentBytes += Number(fields[RSS]) * pageBytes;
    usage.peakResidentBytes += peakBytes(name);
  }
  return usage;
}

// Numbers of the fields behind the process's name, which is the second and may itself hold spaces.
const PGRP = 2;
const UTIME = 11;
const STIME = 12;
const RSS = 21;

/**
 * @param {string} pid
 * @returns {string[]} none where there is no such process (any more)
 */
function statFields(pid) {
  if (!/^\d+$/.test(pid)) return [];
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** @param {string} pid */
function peakBytes(pid) {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Milliseconds of CPU that the whole machine has spent, all cores together. From /proc/stat and not os.cpus(), which leaves
 * out softirq, where loopback's packets go, and what other guests of the same host stole.
 */
export function machineCpuMs() {
  const [line = ""] = readFileSync("/proc/stat", "latin1").split("\n", 1);
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/ +/).map(Number);
  return (user + nice + system + irq + softirq + steal) * msPerTick;
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
