/** Processes that have a disk store open; see child-script.ts. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";
import { onTestFinished } from "vitest";
import type { ChildTask, Told } from "./child-script.ts";

export type { ChildTask, Told } from "./child-script.ts";

const MODULES = path.resolve(import.meta.dirname, "../../../node_modules");

/** A program that Node 20 can run; lmdb comes from here, for it brings native code. */
function buildScript(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tailwire-child-"));
  const outfile = path.join(folder, "child.mjs");
  const require = `import { createRequire } from "node:module"; const require = createRequire("${MODULES}/");`;
  buildSync({
    entryPoints: [path.join(import.meta.dirname, "child-script.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: { lmdb: path.join(MODULES, "lmdb/dist/index.cjs") },
    external: ["*.cjs"],
    banner: { js: require },
  });
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return outfile;
}

let file: string | undefined;

export class Child {
  readonly name: string;
  readonly told: Told[] = [];
  readonly process: ChildProcess;
  readonly exited: Promise<unknown>;
  #waiting: (() => void)[] = [];

  /** @param limit the largest file that it may write, in blocks of 1,024 bytes, as a shell's `ulimit -f` says it */
  constructor(task: ChildTask, limit?: number) {
    file ??= buildScript();
    this.name = task.name;
    const args = [file, JSON.stringify(task)];
    const command = limit === undefined ? [process.execPath, ...args] : limited(limit, [process.execPath, ...args]);
    this.process = spawn(command[0] as string, command.slice(1), { stdio: ["pipe", "pipe", "ignore"] });
    const { stdout } = this.process;
    if (stdout === null) throw new Error("a child has an output");
    const ended = once(
      createInterface({ input: stdout }).on("line", (line) => this.#take(line)),
      "close",
    );
    this.exited = Promise.all([once(this.process, "exit"), ended]);
    onTestFinished(() => this.kill());
  }

  /** Settles when it has said so many lines that fit, or has ended. */
  async says(count: number, fits: (told: Told) => boolean = () => true): Promise<void> {
    const enough = () => this.told.filter(fits).length >= count;
    let running = true;
    void this.exited.then(() => {
      running = false;
      this.#wake();
    });
    while (running && !enough()) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    if (!enough()) throw new Error(`the child ended; it had said ${JSON.stringify(this.told.slice(-3))}`);
  }

  /** As a crash would end it. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.exited;
  }

  /** Lets it write files of any size. */
  liftLimit(): void {
    spawnSync("prlimit", ["--pid", String(this.process.pid), "--fsize=unlimited"]);
  }

  /** Lets it close its store. */
  async end(): Promise<void> {
    this.process.stdin?.end();
    await this.exited;
  }

  /** A line that was cut off in the middle was not said. */
  #take(line: string): void {
    if (!line.endsWith("}")) return;
    this.told.push(JSON.parse(line) as Told);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function limited(blocks: number, command: readonly string[]): readonly string[] {
  return ["bash", "-c", `ulimit -S -f ${blocks}; exec "$@"`, "bash", ...command];
}
