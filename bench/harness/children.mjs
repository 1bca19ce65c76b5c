// The child processes of a run: started in a process group each, asked, and ended by handle whatever happens.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildLoad } from "./build.mjs";
import { freePorts, untilAccepting } from "./ports.mjs";
import { groupUsage } from "./process-usage.mjs";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const alive = new Set();
process.on("exit", () => {
  for (const child of alive) killGroup(child);
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.exit(130));

/** @param {ChildProcess} child */
function track(child) {
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  // Writes to a child that is gone; its exit is reported anyway.
  child.stdin?.on("error", () => {});
}

/** @param {ChildProcess} child leader of its group */
function killGroup(child) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // All of them have ended already.
  }
}

/** @param {ChildProcess} child */
async function end(child) {
  const running = child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  killGroup(child);
  if (running) await once(child, "exit");
}

/** A server under test, in a folder of its own that goes when it ends. */
export class ServerProcess {
  #child;
  #folder;
  #listens;
  #log;
  #collectsGarbage;
  #said = "";
  /** @type {Promise<never>} */
  #ended;

  /**
   * @param {import("../contenders/contender.mjs").Contender} contender
   * @param {number[]} ports
   */
  constructor(contender, ports) {
    this.ports = ports;
    this.#folder = mkdtempSync(join(tmpdir(), "tailwire-bench-"));
    const launch = contender.launch(ports, this.#folder);
    const { command, args, files = {}, env, listens, log, collectsGarbage = false } = launch;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#folder, name), text);
    this.#listens = listens ?? ports.slice(0, 1);
    this.#log = log;
    this.#collectsGarbage = collectsGarbage;
    this.#child = spawn(command, args, { cwd: this.#folder, env: { ...process.env, ...env }, detached: true });
    track(this.#child);
    this.#child.stderr.on("data", (text) => {
      this.#said = `${this.#said}${text}`.slice(-2000);
    });
    this.#ended = new Promise((_, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", () => reject(new Error(`the server ended by itself: ${this.#said.trim()}`)));
    });
    this.#ended.catch(() => {});
    this.lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @param {import("../contenders/contender.mjs").Contender} contender */
  static async start(contender) {
    const server = new ServerProcess(contender, await freePorts(8));
    try {
      await Promise.race([Promise.all(server.#listens.map((port) => untilAccepting(port))), server.#ended]);
    } catch (error) {
      await server.end();
      throw error;
    }
    return server;
  }

  /** What all its processes together have used. */
  usage() {
    return groupUsage(this.#child.pid ?? 0);
  }

  /** Does nothing for servers that cannot. */
  async collectGarbage() {
    if (!this.#collectsGarbage) return;
    this.#child.stdin.write("gc\n");
    await Promise.race([this.lines.next(), this.#ended]);
  }

  /** The last line of its log, if it has one. */
  lastWords() {
    const file = this.#log === undefined ? undefined : join(this.#folder, this.#log);
    return file && existsSync(file) ? readFileSync(file, "latin1").trim().split("\n").at(-1) : undefined;
  }

  async end() {
    await end(this.#child);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A program of the load generator: lines of words in, lines of JSON out, one named field each. */
export class LoadProcess {
  #child;
  /** @type {Map<string, {resolve(value: any): void, reject(error: Error): void}>} */
  #waiting = new Map();
  /** @type {Error | undefined} */
  #failure;
  /** The last value of every field. @type {Record<string, any>} */
  said = {};

  /** @param {string} name of its file in load/, C or Node's */
  constructor(name) {
    const script = fileURLToPath(new URL(`../load/${name}.mjs`, import.meta.url));
    const [command, args] = existsSync(script) ? [process.execPath, [script]] : [buildLoad(name), []];
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    track(this.#child);
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(JSON.parse(line)));
    this.#child.on("exit", () => this.#fail(new Error(`${name} ended by itself`)));
  }

  usage() {
    return groupUsage(this.#child.pid ?? 0);
  }

  /** @param {...(string | number)} words bytes as `bytes()` gives them */
  send(...words) {
    this.#child.stdin.write(`${words.join(" ")}\n`);
  }

  /**
   * The next message with that field, unless the child says that it failed.
   * @param {string} field
   * @returns {Promise<any>}
   */
  next(field) {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure);
      else this.#waiting.set(field, { resolve, reject });
    });
  }

  /**
   * @param {string} field of the answer
   * @param {...(string | number)} words
   */
  ask(field, ...words) {
    const answer = this.next(field);
    this.send(...words);
    return answer;
  }

  end() {
    this.#failure = new Error("ended");
    this.#waiting.clear();
    return end(this.#child);
  }

  /** @param {Record<string, any>} message */
  #take(message) {
    if (message.failed) return this.#fail(new Error(message.failed));
    Object.assign(this.said, message);
    for (const [field, value] of Object.entries(message)) {
      this.#waiting.get(field)?.resolve(value);
      this.#waiting.delete(field);
    }
  }

  /** @param {Error} error */
  #fail(error) {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/**
 * Bytes as a word of a command.
 * @param {string} text a character a byte
 */
export function bytes(text) {
  return text === "" ? "-" : Buffer.from(text, "latin1").toString("hex");
}
