/** The built command as real processes, awaited by what they print. */

import { type ChildProcessWithoutNullStreams, type SpawnOptionsWithoutStdio, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { afterEach } from "vitest";

export const MAIN = path.resolve(import.meta.dirname, "../../dist/cli/main.js");

const running = new Set<Program>();

/** All programs of a test end with it. */
afterEach(async () => {
  await Promise.all([...running].map((program) => program.kill()));
});

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Program {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(
    command: string,
    args: readonly string[],
    env: Record<string, string> = {},
    more: SpawnOptionsWithoutStdio = {},
  ) {
    // Logs on the disk would be shared by all tests, unless they say where they are.
    this.process = spawn(command, args, { env: { ...process.env, TAILWIRE_STORE: "memory:", ...env }, ...more });
    this.process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.process.stdin.on("error", () => {});
    this.ended = once(this.process, "close").then(([code]) => {
      running.delete(this);
      return { code: code as number | null, stdout: this.stdout, stderr: this.stderr };
    });
    running.add(this);
  }

  /** What a pattern finds in what it has printed, as soon as it does. */
  async prints(pattern: RegExp, where: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this[where]);
      if (found !== null) return found;
      const ended = await Promise.race([once(this.process[where], "data"), this.ended]);
      if (!Array.isArray(ended) && !pattern.test(this[where])) {
        throw new Error(`ended with ${JSON.stringify(ended)} before it printed ${pattern}`);
      }
    }
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): Promise<Ended> {
    this.process.kill(signal);
    return this.ended;
  }
}

/** `tailwire` with arguments. */
export function tailwire(args: readonly string[], env: Record<string, string> = {}): Program {
  return new Program(process.execPath, [MAIN, ...args], env);
}

/** A server that listens, and its URL. */
export async function serve(...args: string[]): Promise<{ server: Program; url: string }> {
  const server = tailwire(["serve", ...(args.includes("--port") ? [] : ["--port", "0"]), ...args]);
  const [, url = ""] = await server.prints(/^tailwire listening on (\S+)\n/);
  return { server, url };
}
