/** The worker processes: started, replaced when they end, and ended. */

import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Link } from "../../workers/link.ts";
import { Failure } from "../failure.ts";
import { tell } from "../tell.ts";
import { LINK_FD, type ToPrimary, type ToWorker, WORKER_VARIABLE } from "./control.ts";
import { Distributor } from "./distributor.ts";
import { restartDelayMs } from "./restarts.ts";
import { socketLink } from "./socket-link.ts";

/** How long workers have for an orderly end, in milliseconds: half a second more than they give clients that hang on. */
const END_MS = 1500;
/** How much longer than it may a drain is waited for, in milliseconds. */
const DRAIN_GRACE_MS = 500;

export interface PoolOptions {
  readonly count: number;
  /** Told of each worker's link to the logs. */
  join(link: Link): void;
}

export class Pool {
  /** Settles when all workers are ready, and rejects when they cannot be started, or end again and again. */
  readonly ready: Promise<void>;
  /** Rejects with what `ready` rejects with, or would have. */
  readonly broken: Promise<never>;
  readonly #options: PoolOptions;
  readonly #distributor = new Distributor<ChildProcess, Socket>((connection) => connection.destroy());
  readonly #workers = new Set<ChildProcess>();
  readonly #endedAt: number[] = [];
  #state: "starting" | "serving" | "draining" | "ending" = "starting";
  #readyCount = 0;
  #becomeReady = (): void => {};
  #break: (error: Failure) => void = () => {};
  #whenEnded: (() => void) | undefined;
  /** Those whose drain is waited for. */
  readonly #undrained = new Set<ChildProcess>();
  #whenDrained: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    const allReady = new Promise<void>((resolve) => {
      this.#becomeReady = resolve;
    });
    this.ready = Promise.race([allReady, this.broken]);
    for (let n = 0; n < options.count; n += 1) this.#start();
  }

  /** Hands a connection to a worker. */
  take(connection: Socket): void {
    this.#distributor.take(connection);
  }

  /** Lets all workers drain, together, so that connections are taken until the last of them is done. */
  async drain(drainMs: number): Promise<void> {
    this.#state = "draining";
    for (const worker of this.#workers) {
      this.#undrained.add(worker);
      send(worker, "drain");
    }
    const drained = new Promise<void>((resolve) => {
      this.#whenDrained = resolve;
    });
    this.#drained();
    await Promise.race([drained, wait(drainMs + DRAIN_GRACE_MS, undefined, { ref: false })]);
  }

  /** Ends all workers, in an orderly way where they still can. */
  async end(): Promise<void> {
    this.#state = "ending";
    this.#distributor.close();
    const ended = new Promise<void>((resolve) => {
      this.#whenEnded = resolve;
    });
    for (const worker of this.#workers) send(worker, "end");
    this.#settle();
    await Promise.race([ended, wait(END_MS, undefined, { ref: false })]);
    for (const worker of this.#workers) worker.kill("SIGKILL");
  }

  #start(): void {
    // On Windows a pipe that is read and written at once has to be overlapped; elsewhere that is a pipe.
    const worker = fork(process.argv[1] ?? "", process.argv.slice(2), {
      env: { ...process.env, [WORKER_VARIABLE]: "1" },
      stdio: ["ignore", "inherit", "inherit", "overlapped", "ipc"],
    });
    this.#workers.add(worker);
    const link = worker.stdio[LINK_FD] as Socket | null;
    if (link != null) this.#options.join(socketLink(link));
    worker.on("message", (message: ToPrimary) => this.#hear(worker, message));
    worker.once("error", (error) => this.#ended(worker, error.message)); // it could not be started
    // By then all that it confirmed has been read; "disconnect" does not come while a connection is on its way.
    worker.once("close", (code, signal) => this.#ended(worker, signal ?? `exit code ${code}`));
  }

  #hear(worker: ChildProcess, message: ToPrimary): void {
    if (message === "ready") this.#becomeReadyWith(worker);
    else if (message === "drained") this.#drained(worker);
    else this.#distributor.confirm(worker, message.taken);
  }

  #becomeReadyWith(worker: ChildProcess): void {
    if (this.#state === "ending") return;
    this.#distributor.add(worker, (id, connection) => send(worker, { connection: id }, connection));
    this.#readyCount += 1;
    if (this.#readyCount < this.#options.count || this.#state !== "starting") return;
    this.#state = "serving";
    this.#becomeReady();
  }

  #ended(worker: ChildProcess, why: string): void {
    if (!this.#workers.delete(worker)) return;
    this.#distributor.remove(worker);
    this.#drained(worker);
    if (this.#state === "ending") this.#settle();
    else if (this.#state === "draining") return;
    else if (this.#state === "starting") this.#break(new Failure(`a worker ended before it was ready (${why})`));
    else void this.#replace(why);
  }

  async #replace(why: string): Promise<void> {
    this.#endedAt.push(performance.now());
    const delayMs = restartDelayMs(this.#endedAt, this.#options.count);
    if (delayMs === undefined) {
      this.#break(new Failure(`workers end again and again, the last one by ${why}`));
      return;
    }
    tell(`a worker has ended (${why}); another takes its place`);
    await wait(delayMs, undefined, { ref: false });
    if (this.#state === "serving") this.#start();
  }

  #drained(worker?: ChildProcess): void {
    if (worker !== undefined) this.#undrained.delete(worker);
    if (this.#undrained.size === 0) this.#whenDrained?.();
  }

  #settle(): void {
    if (this.#workers.size === 0) this.#whenEnded?.();
  }
}

function send(worker: ChildProcess, message: ToWorker, connection?: Socket): void {
  // Kept open here until the worker has confirmed it. Where that cannot be sent, the worker has ended.
  worker.send(message, connection, { keepOpen: true }, () => {});
}
