// One trial: a fresh server, its subscribers and its publishers, each a process of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { LoadProcess, ServerProcess } from "./children.mjs";
import { cpuMs, machineCpuMs, residentBytes } from "./process-usage.mjs";

/** @typedef {import("../contenders.mjs").Contender} Contender */

/**
 * What one measured delivery cost. CPU is in milliseconds, undefined where the system does not tell.
 * @typedef {object} Delivery
 * @property {number} elapsedMs from the first publish to the last subscriber's last event
 * @property {number} publishMs from the first publish to the last answer
 * @property {number | undefined} serverCpuMs
 * @property {number | undefined} subscribersCpuMs
 * @property {number | undefined} publishersCpuMs
 * @property {number} machineCpuMs of all processes, also those that are not ours
 * @property {number} alone subscribers whose bytes differed from the common stream
 */

export class Trial {
  #server;
  #subscribers = new LoadProcess("load/subscribers.mjs");
  #publishers = new LoadProcess("load/publishers.mjs");
  #contender;
  #port = 0;
  #publisherCount = 0;

  /** @param {Contender} contender */
  constructor(contender) {
    this.#contender = contender;
    this.#server = new ServerProcess(contender.server, contender.args);
  }

  async start() {
    this.#port = await this.#server.port();
  }

  /** @param {number} count */
  async subscribe(count) {
    const { protocol, subscribePath: path } = this.#contender;
    await this.#subscribers.ask({ connect: { protocol, port: this.#port, path, count } }, "connected");
  }

  /** @param {number} count */
  async connectPublishers(count) {
    this.#publisherCount = count;
    const path = this.#contender.publishPath;
    await this.#publishers.ask({ connect: { port: this.#port, path, count } }, "connected");
  }

  /**
   * Publishes `events` and waits until every subscriber has every one of them; rejects when one has not.
   * @param {number} events
   * @returns {Promise<Delivery>}
   */
  async deliver(events) {
    await this.#subscribers.ask({ expect: { events, publishers: this.#publisherCount } }, "expecting");
    const processes = [this.#server, this.#subscribers, this.#publishers];
    const before = processes.map(({ pid }) => cpuMs(pid));
    const machineBefore = machineCpuMs();
    const [finished, published] = await Promise.all([
      this.#subscribers.next("finished"),
      this.#publishers.ask({ publish: { events } }, "published"),
    ]);
    const [serverCpuMs, subscribersCpuMs, publishersCpuMs] = processes.map(({ pid }, n) =>
      since(before[n], cpuMs(pid)),
    );
    const { from, to } = published;
    return {
      elapsedMs: finished.at - from,
      publishMs: to - from,
      serverCpuMs,
      subscribersCpuMs,
      publishersCpuMs,
      machineCpuMs: machineCpuMs() - machineBefore,
      alone: finished.alone,
    };
  }

  /** How far the subscribers are. */
  async census() {
    return await this.#subscribers.ask({ census: true }, "census");
  }

  /** The server's resident memory. */
  residentBytes() {
    return residentBytes(this.#server.pid);
  }

  async collectGarbage() {
    await this.#server.collectGarbage();
    // The allocator gives pages back a moment later.
    await sleep(500);
  }

  async end() {
    await Promise.all([this.#subscribers.end(), this.#publishers.end(), this.#server.end()]);
  }
}

/**
 * Runs one trial to its end, within a limit of time.
 * @template T
 * @param {Contender} contender
 * @param {number} timeoutMs
 * @param {(trial: Trial) => Promise<T>} measure
 * @returns {Promise<{value: T} | {failed: string}>}
 */
export async function runTrial(contender, timeoutMs, measure) {
  const trial = new Trial(contender);
  const abort = new AbortController();
  try {
    const timeout = sleep(timeoutMs, undefined, { signal: abort.signal }).then(async () => {
      const state = await Promise.race([trial.census(), sleep(2000)]).catch(() => undefined);
      const where = state === undefined ? "" : `: ${state.open} connections, ${state.missing} without all events`;
      throw new Error(`not done after ${timeoutMs / 1000} s${where}`);
    });
    timeout.catch(() => {});
    return { value: await Promise.race([trial.start().then(() => measure(trial)), timeout]) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    abort.abort();
    await trial.end();
  }
}

/**
 * @param {number | undefined} before
 * @param {number | undefined} after
 */
function since(before, after) {
  return before === undefined || after === undefined ? undefined : after - before;
}
