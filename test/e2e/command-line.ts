/** The built command `tailwire serve` as a process of its own, ended with the test. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const MAIN = path.resolve(fileURLToPath(import.meta.url), "../../../dist/cli/main.js");

/** Starts the server; settles once it says where it listens. */
export async function startCommandLine(
  ...args: readonly string[]
): Promise<{ readonly url: string; readonly port: number }> {
  const child = spawn(process.execPath, [MAIN, "serve", "--port", "0", ...args], {
    env: { ...process.env, TAILWIRE_STORE: "memory:" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill();
    await closed;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^tailwire listening on (http:\/\/\S+)$/.exec(line)?.[1];
    if (url !== undefined) return { url, port: Number(new URL(url).port) };
  }
  throw new Error(`${MAIN} serve ended before it was ready`);
}
