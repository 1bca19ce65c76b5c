/** Runs a client in a Node process of its own: whether that ends by itself can be seen from outside only. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import { onTestFinished } from "vitest";
import type { ChildTask } from "./child-script.ts";
import { Inbox } from "./inbox.ts";
import type { Told } from "./recorder.ts";

export interface Child extends Inbox {
  /** Settles with the code that it ended with; null where it was killed. */
  readonly exited: Promise<number | null>;
  readonly running: boolean;
  /** Tells it to close its client. */
  terminate(): void;
}

/** A program that Node 20 can run. */
function buildScript(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tailwire-child-"));
  const outfile = path.join(folder, "child.cjs");
  const entryPoints = [path.join(import.meta.dirname, "child-script.ts")];
  buildSync({ entryPoints, outfile, bundle: true, platform: "node", format: "cjs", target: "node20" });
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return outfile;
}

let file: string | undefined;

/** Ended with the test. */
export function startChild(task: ChildTask): Child {
  file ??= buildScript();
  const child = spawn(process.execPath, [file, JSON.stringify(task)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const inbox = new Inbox();
  createInterface({ input: child.stdout }).on("line", (line) => inbox.add(JSON.parse(line) as Told));
  return Object.defineProperties(Object.assign(inbox, { exited, terminate: () => void child.kill("SIGTERM") }), {
    running: { get: () => child.exitCode === null && child.signalCode === null },
  }) as Child;
}
