// One trial: a fresh server, its subscribers and its publishers, each a process (or a group of them) of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { bytes, LoadProcess, ServerProcess } from "./children.mjs";
import { machineCpuMs } from "./process-usage.mjs";

/** @typedef {import("../contenders/contender.mjs").Contender} Contender */
/** @typedef {import("../contenders/contender.mjs").PublishTarget} PublishTarget */

const EVENT_BYTES = 100;

/**
 * How events are published: as fast as they are answered, unless at an even pace or in one NDJSON request.
 * @typedef {object} Load
 * @property {number} events
 * @property {number} [perSecond]
 * @property {number} [burst] so many at once, `perSecond / burst` times a second
 * @property {boolean} [ndjson]
 */

/** @typedef {{count: number, p50: number, p99: number, max: number}} Latency in ms */

/**
 * What one measured delivery cost. CPU is in milliseconds.
 * @typedef {object} Delivery
 * @property {number} elapsedMs from the first publish to the last subscriber's last event
 * @property {number} publishMs from the first publish to the last answer
 * @property {number} serverCpuMs
 * @property {number} subscribersCpuMs
 * @property {number} publishersCpuMs
 * @property {number} machineCpuMs of all processes, also those that are not ours
 * @property {number} residentBytes of the server, when all was delivered
 * @property {number} peakResidentBytes the most that the server has ever had
 * @property {Latency} each publish to read, of every delivery
 * @property {Latency} last publish to the last subscriber's read, of every event
 */

export class Trial {
  #server;
  #contender;
  #subscribers;
  #publishers = new LoadProcess("publishers");
  #publisherCount = 1;
  #opening = false;

  /**
   * @param {Contender} contender
   * @param {ServerProcess} server
   */
  constructor(contender, server) {
    this.#contender = contender;
    this.#server = server;
    const { steps = [], ready, ping, openingAtOnce, program = "subscribers" } = contender.protocol;
    this.#subscribers = new LoadProcess(program);
    for (const { after, capture = 0, send } of [...steps, { after: ready, send: "" }]) {
      this.#subscribers.send("step", bytes(after), capture, bytes(send));
    }
    if (openingAtOnce) this.#subscribers.send("opening", openingAtOnce);
    if (ping) this.#subscribers.send("ping", bytes(ping.is), bytes(ping.answer));
  }

  /** @param {Contender} contender */
  static async start(contender) {
    return new Trial(contender, await ServerProcess.start(contender));
  }

  get ports() {
    return this.#server.ports;
  }

  /** The size of an event, where it is not EVENT_BYTES. @param {number} size */
  setEventBytes(size) {
    this.#subscribers.send("event", size);
    this.#publishers.send("event", size);
  }

  /**
   * Opens `count` subscribers, spread evenly over the channels bench0, bench1, …; done when all are subscribed.
   * @param {number} count
   * @param {object} [options]
   * @param {number} [options.channels]
   * @param {number} [options.stalled] so many more that never read again once they are subscribed
   * @param {number} [options.expecting] events that may follow at once: wait for finished()
   * @param {(channel: string) => string} [options.request] instead of the protocol's
   */
  async subscribe(
    count,
    { channels = 1, stalled = 0, expecting = 0, request = this.#contender.protocol.request } = {},
  ) {
    const target = (/** @type {number} */ channel, /** @type {number} */ size, /** @type {0 | 1} */ stalls) =>
      this.#subscribers.send("target", this.ports[0] ?? 0, size, channel, stalls, bytes(request(channelName(channel))));
    for (let channel = 0; channel < channels; channel++) target(channel, shareOf(count, channels, channel), 0);
    if (stalled > 0) target(0, stalled, 1);
    if (expecting > 0) await this.expect(expecting);
    this.#opening = true;
    await this.#subscribers.ask("connected", "connect");
    this.#opening = false;
  }

  /** Whether it is, or failed, while subscribers open. */
  get isOpening() {
    return this.#opening;
  }

  /** What its server's log says last. */
  lastWords() {
    return this.#server.lastWords();
  }

  /** Closes all subscribers' connections. */
  async disconnect() {
    await this.#subscribers.ask("disconnected", "disconnect");
  }

  /**
   * @param {number} count each with a connection of its own
   * @param {object} [options]
   * @param {number} [options.channels] the events go to bench0, bench1, … in turn
   * @param {PublishTarget[]} [options.targets] instead of the contender's: event n goes to targets[n % targets.length]
   * @param {number} [options.eventBytes]
   */
  async connectPublishers(count, { channels = 1, targets, eventBytes = EVENT_BYTES } = {}) {
    this.#publisherCount = count;
    const names = Array.from({ length: channels }, (_, channel) => channelName(channel));
    for (const target of targets ?? names.map((name) => this.#contender.publish(name))) {
      const { port = 0, prefix = "", suffix = "" } = target;
      const head = publishHead(target, prefix.length + eventBytes + suffix.length);
      this.#publishers.send("target", this.ports[port] ?? 0, bytes(head), bytes(prefix), bytes(suffix));
    }
    await this.#publishers.ask("connected", "connect", count);
  }

  /** What comes from here on is counted: each subscriber must get its channel's share of so many events. @param {number} events */
  async expect(events) {
    await this.#subscribers.ask("expecting", "expect", events, this.#publisherCount);
  }

  /** When the last subscriber had its last event, in ms of the monotonic clock. */
  async finished() {
    return /** @type {number} */ (await this.#subscribers.next("finished"));
  }

  /**
   * @param {Load} load
   * @returns {Promise<{from: number, to: number}>} the first request's start and the last answer's arrival
   */
  async publish({ events, perSecond = 0, burst = 1, ndjson = false }) {
    const interval = perSecond > 0 ? Math.round((burst * 1e9) / perSecond) : 0;
    const command = ndjson ? ["stream", events] : ["publish", events, interval, burst];
    return await this.#publishers.ask("published", ...command);
  }

  /**
   * Publishes, and waits until every subscriber has every event; rejects when one has not.
   * @param {Load} load
   * @returns {Promise<Delivery>}
   */
  async deliver(load) {
    await this.expect(load.events);
    return await this.measure(() => Promise.all([this.finished(), this.publish(load)]));
  }

  /**
   * What it costs until `work` is done: it tells when all was delivered, and what was published when.
   * @param {() => Promise<[number, {from: number, to: number}]>} work
   * @returns {Promise<Delivery>}
   */
  async measure(work) {
    const processes = [this.#server, this.#subscribers, this.#publishers];
    const before = processes.map((process) => process.usage().cpuMs);
    const machineBefore = machineCpuMs();
    const [finished, { from, to }] = await work();
    const [serverCpuMs = 0, subscribersCpuMs = 0, publishersCpuMs = 0] = processes.map(
      (process, n) => process.usage().cpuMs - (before[n] ?? 0),
    );
    const { each, last } = this.#subscribers.said;
    const { residentBytes, peakResidentBytes } = this.usage();
    return {
      elapsedMs: finished - from,
      publishMs: to - from,
      serverCpuMs,
      subscribersCpuMs,
      publishersCpuMs,
      machineCpuMs: machineCpuMs() - machineBefore,
      residentBytes,
      peakResidentBytes,
      each,
      last,
    };
  }

  /** From here on the subscribers' bytes are compared with each other, and not searched for events. */
  async mirror() {
    await this.#subscribers.ask("mirroring", "mirror");
  }

  /**
   * Writes the bytes that all subscribers have in common since mirror().
   * @param {string} file
   */
  async dump(file) {
    await this.#subscribers.ask("dumped", "dump", bytes(file));
  }

  /**
   * How far the subscribers are: `least` and `most` are bytes since mirror(), `answer` what the first one that is not
   * subscribed was answered so far.
   * @returns {Promise<{open: number, missing: number, least: number, most: number, answer: string}>}
   */
  async census() {
    const census = await this.#subscribers.ask("census", "census");
    return { ...census, answer: Buffer.from(census.answer, "hex").toString("latin1") };
  }

  /** The server's CPU and memory. */
  usage() {
    return this.#server.usage();
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
 * @returns {Promise<{value: T} | {failed: string, opening: boolean}>} `opening`: before all were subscribed
 */
export async function runTrial(contender, timeoutMs, measure) {
  const abort = new AbortController();
  /** @type {Trial | undefined} */
  let trial;
  try {
    trial = await Trial.start(contender);
    return { value: await Promise.race([measure(trial), failAfter(trial, timeoutMs, abort.signal)]) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const words = trial?.lastWords();
    return { failed: words ? `${reason}; its log: ${words}` : reason, opening: trial?.isOpening ?? false };
  } finally {
    abort.abort();
    await trial?.end();
  }
}

/**
 * @param {Trial} trial
 * @param {number} timeoutMs
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
async function failAfter(trial, timeoutMs, signal) {
  await sleep(timeoutMs, undefined, { signal });
  const state = await Promise.race([trial.census(), sleep(2000)]).catch(() => undefined);
  const answer = state?.answer ? `; one that is not subscribed was answered ${JSON.stringify(state.answer)}` : "";
  const where = state ? `: ${state.open} subscribed, ${state.missing} without all events${answer}` : "";
  throw new Error(`not done after ${timeoutMs / 1000} s${where}`);
}

/** @param {number} channel */
export function channelName(channel) {
  return `bench${channel}`;
}

/**
 * @param {number} total
 * @param {number} parts
 * @param {number} index
 */
function shareOf(total, parts, index) {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0);
}

/**
 * @param {PublishTarget} target
 * @param {number} length of the body; a stream has none
 */
function publishHead({ path, headers = {} }, length) {
  const streams = headers["Transfer-Encoding"] !== undefined;
  const fields = { Host: "localhost", ...headers, ...(streams ? {} : { "Content-Length": length }) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
