/**
 * The file that says which machine has the folder open. LMDB's locks are in memory that processes of one machine share:
 * a second machine, or a container that does not share the process numbers, would write over what the first one wrote.
 */

import { readFileSync, readlinkSync, renameSync, rmSync, statSync, utimes, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { type Cancel, systemClock } from "../../core/clock.ts";
import { unusable } from "./faults.ts";

/** How often the file is touched, and how old it is when its machine is taken for gone, in milliseconds. */
const TOUCH_MS = 2000;
const GONE_MS = 10_000;

/** Who has a folder open. */
interface Holder {
  /** What the processes that share LMDB's locks have in common. */
  readonly machine: string;
  /** For people. */
  readonly host: string;
}

/**
 * Writes down that this machine has the folder open, and goes on saying so until the returned function is called.
 * @throws {TailwireError} `misuse` where another machine does
 */
export function holdFolder(folder: string): Cancel {
  const file = path.join(folder, "machine.json");
  const self: Holder = { machine: thisMachine(), host: hostname() };
  const holder = readHolder(file);
  if (holder !== undefined && holder.machine !== self.machine) refuseUnlessGone(folder, file, holder);
  write(file, self);
  let cancel = systemClock.after(TOUCH_MS, touch);
  function touch(): void {
    const now = systemClock.now() / 1000;
    utimes(file, now, now, (error) => error?.code === "ENOENT" && cancel !== released && writeAgain(file, self));
    cancel = systemClock.after(TOUCH_MS, touch);
  }
  return () => {
    cancel();
    cancel = released;
    // Other processes of this machine that have it open write it anew.
    rmSync(file, { force: true });
  };
}

function released(): void {}

function refuseUnlessGone(folder: string, file: string, { host }: Holder): void {
  const silentMs = systemClock.now() - statSync(file).mtimeMs;
  if (silentMs > GONE_MS) return;
  throw unusable(
    folder,
    `${host} has it open, which is another machine, or a container with process numbers of its own. A disk store is for ` +
      `the processes of one machine: name another path, or end those there. If they are gone, try again in ${GONE_MS / 1000} seconds`,
  );
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** In one step, so that nobody reads half of it. */
function write(file: string, holder: Holder): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(holder)}\n`);
  renameSync(unfinished, file);
}

function writeAgain(file: string, holder: Holder): void {
  try {
    write(file, holder);
  } catch {
    // The disk is full, or the folder gone: the next append tells.
  }
}

function thisMachine(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname(); // not Linux
  }
}
