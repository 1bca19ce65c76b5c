/** Real Redis servers for tests: each on a free loopback port, with a folder of its own, ended with its test. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type RedisArgument } from "redis";
import { realPart } from "../../e2e/real-parts.ts";

const redis = realPart("redis");

/** Whether there is no Redis here. */
export const redisIsMissing = redis.missing;

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  /** What it prints when it is. */
  readonly #ready: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, args: (folder: string) => readonly string[], ready: string) {
    this.port = port;
    this.#folder = mkdtempSync(path.join(tmpdir(), "tailwire-redis-"));
    this.#args = args(this.#folder);
    this.#ready = ready;
  }

  /**
   * Starts one. All that it has written is on disk before it answers, so that it can be killed at any time.
   * @param args of the command line, such as `["--requirepass", "secret"]`
   */
  static async start(args: readonly string[] = []): Promise<RedisServer> {
    const kept = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    const server = new RedisServer(
      await freePort(),
      (folder) => ["--dir", folder, ...kept, ...args],
      "Ready to accept connections",
    );
    await server.start();
    return server;
  }

  /** Starts a Sentinel. */
  static async startSentinel(lines: readonly string[]): Promise<RedisServer> {
    const inFolder = (folder: string) => {
      const file = path.join(folder, "sentinel.conf");
      writeFileSync(file, `${lines.join("\n")}\n`);
      return [file, "--sentinel"];
    };
    const server = new RedisServer(await freePort(), inFolder, "Sentinel ID is");
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, with the data that it had. */
  async start(): Promise<void> {
    const place = ["--port", String(this.port), "--bind", "127.0.0.1"];
    const child = spawn(redis.path, [...this.#args, ...place], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    let log = "";
    await new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        if (log.includes(this.#ready)) resolve();
      });
      child.once("exit", () => reject(new Error(`redis-server has ended: ${log}`)));
    });
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Forgets all that it had written; it must not run. */
  loseData(): void {
    rmSync(path.join(this.#folder, "appendonlydir"), { recursive: true, force: true });
  }

  /** Stops the process: it keeps its connections, and answers no more. */
  suspend(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Asks it one thing, over a connection of its own. */
  async ask(...args: RedisArgument[]): Promise<unknown> {
    const password = this.#args[this.#args.indexOf("--requirepass") + 1];
    const client = createClient({ url: this.url, ...(this.#args.includes("--requirepass") ? { password } : {}) });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Three masters, each with a third of the slots. */
export async function startCluster(): Promise<readonly RedisServer[]> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all([RedisServer.start(args), RedisServer.start(args), RedisServer.start(args)]);
  const [first] = nodes;
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [index, node] of nodes.entries()) {
    await node.ask("CLUSTER", "ADDSLOTSRANGE", String(bounds[index]), String((bounds[index + 1] ?? 0) - 1));
    await first?.ask("CLUSTER", "MEET", "127.0.0.1", String(node.port));
  }
  for (const node of nodes) {
    while (!String(await node.ask("CLUSTER", "INFO")).includes("cluster_state:ok\r\ncluster_slots_assigned:16384"));
  }
  return nodes;
}

/** A port that nobody has, also as a Cluster's bus has it: 10,000 higher. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, "close");
    if (port < 55_000) return port;
  }
}
