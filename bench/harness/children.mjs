// The child processes of a run: started, asked, and ended by handle whatever happens.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @type {Set<import("node:child_process").ChildProcess>} */
const alive = new Set();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.exit(130));

/** @param {string} file below bench/ */
function pathOf(file) {
  return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

/** @param {import("node:child_process").ChildProcess} child */
function track(child) {
  alive.add(child);
  child.once("exit", () => alive.delete(child));
}

/** @param {import("node:child_process").ChildProcess} child */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A server under test: it speaks in lines. */
export class ServerProcess {
  #child;
  #lines;

  /**
   * @param {string} file below bench/
   * @param {string[]} args
   */
  constructor(file, args = []) {
    const command = ["--expose-gc", pathOf(file), ...args];
    this.#child = spawn(process.execPath, command, { stdio: ["pipe", "pipe", "inherit"] });
    track(this.#child);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  /** The port it listens on. */
  async port() {
    return Number(await this.#line());
  }

  async collectGarbage() {
    this.#child.stdin.write("gc\n");
    await this.#line();
  }

  end() {
    return end(this.#child);
  }

  async #line() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the server ended by itself");
    return value;
  }
}

/** A child of the load: it speaks in messages, one named field each. */
export class LoadProcess {
  #child;
  /** @type {Map<string, {resolve(value: any): void, reject(error: Error): void}>} */
  #waiting = new Map();
  /** @type {Error | undefined} */
  #failure;

  /** @param {string} file below bench/ */
  constructor(file) {
    this.#child = fork(pathOf(file), { stdio: "inherit" });
    track(this.#child);
    this.#child.on("message", (/** @type {any} */ message) => this.#take(message));
    this.#child.on("exit", () => this.#fail(new Error(`${file} ended by itself`)));
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  /** @param {object} message */
  send(message) {
    if (this.#child.connected) this.#child.send(message);
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
   * @param {object} message
   * @param {string} field of the answer
   */
  ask(message, field) {
    const answer = this.next(field);
    this.send(message);
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
