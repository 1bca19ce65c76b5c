/**
 * Group commit: what comes while one transaction is on its way to the disk goes into the next, all together.
 *
 *     append ──▶ queue ──▶ commit ──fsync──▶ followers are told, then appends are answered
 *                            ▲
 *                chores ─────┘ some with each, so that deleting keeps up with appending
 */

import type { ChannelName } from "../../core/channel-name.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { TailwireError } from "../../core/errors.ts";
import type { EventInput } from "../../core/event.ts";
import type { Retention } from "../../core/log.ts";
import type { Appended } from "../../core/store.ts";
import { Chores, type Done } from "./chores.ts";
import { type Changes, Commit } from "./commit.ts";
import type { Database } from "./database.ts";
import type { View } from "./view.ts";

/** How much one transaction appends at most, so that it does not hold up the process: about 10 ms. */
const MAX_BATCH = 2000;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** How much may wait for the disk: what is over it is refused. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
/** How many events each transaction deletes beside twice as many as it appends. */
const DELETE = 1000;
/** How long after a failed write the next is tried, in milliseconds. */
const RETRY_MS = 500;

interface Task {
  readonly bytes: number;
  /** Works it out; returns what answers it once it is committed. */
  plan(commit: Commit): () => void;
  reject(error: unknown): void;
}

/** What one transaction has worked out. */
interface Planned extends Changes {
  readonly commitment: Commit;
  readonly done: Done;
  readonly answers: readonly (() => void)[];
}

export class Writer {
  readonly #database: Database;
  readonly #retention: Retention;
  readonly #clock: Clock;
  readonly #committed: (changes: Changes) => void;
  readonly #chores: Chores;
  #queue: Task[] = [];
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  /** Why the last write failed, and when: for a moment, none is tried. */
  #failed: { readonly error: TailwireError; readonly at: number } | undefined;
  #closed = false;

  /** @param committed told of each transaction that appended, before its appends are answered */
  constructor(database: Database, retention: Retention, clock: Clock, committed: (changes: Changes) => void) {
    this.#database = database;
    this.#retention = retention;
    this.#clock = clock;
    this.#committed = committed;
    this.#chores = new Chores(retention);
  }

  append(channel: ChannelName, input: EventInput): Promise<Appended> {
    const { data } = input;
    const bytes = data.kind === "binary" ? data.bytes.byteLength : data.text.length;
    return this.#do(bytes, (commit) => commit.append(channel, input));
  }

  purge(channel: ChannelName): Promise<boolean> {
    return this.#do(0, (commit) => {
      const log = commit.purge(channel);
      if (log !== undefined) this.#chores.purged(log);
      return log !== undefined;
    });
  }

  /** Does what has become due in the background. */
  tidy(): void {
    try {
      this.#database.forgetTheDead();
      this.#chores.find(this.#database, this.#clock.now());
    } catch {
      return; // what cannot be read is told to those who read
    }
    if (this.#chores.waiting) this.#run();
  }

  /** Settles when all that was asked for is on the disk; what comes after is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #do<T>(bytes: number, plan: (commit: Commit) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(bytes);
      if (refusal !== undefined) {
        reject(refusal);
        return;
      }
      const planTask = (commit: Commit) => {
        const answer = plan(commit);
        return () => resolve(answer);
      };
      this.#queue.push({ bytes, plan: planTask, reject });
      this.#queuedBytes += bytes;
      this.#run();
    });
  }

  #refusal(bytes: number): TailwireError | undefined {
    if (this.#closed) return new TailwireError("shutting_down", "the store is closed");
    if (this.#failed !== undefined && this.#sinceFailure() < RETRY_MS) return this.#failed.error;
    if (this.#queuedBytes + bytes <= MAX_QUEUED_BYTES) return undefined;
    return new TailwireError(
      "store_unavailable",
      `${MAX_QUEUED_BYTES} bytes of events wait for the disk already, which takes them too slowly`,
    );
  }

  #run(): void {
    this.#running ??= this.#commitAll();
  }

  async #commitAll(): Promise<void> {
    do {
      const batch: Task[] = [];
      try {
        this.#settle(await this.#database.write((view) => this.#plan(view, batch)));
      } catch (error) {
        this.#fail(batch, error);
        break; // chores wait for the next append, or the next round
      }
    } while (this.#queue.length > 0 || (this.#chores.waiting && !this.#closed));
    // In the same turn as the look into the queue, so that nothing comes in between that nobody would fetch.
    this.#running = undefined;
  }

  /** Called when no other process writes: all that has come by now goes in. */
  #plan(view: View, batch: Task[]): Planned {
    this.#takeInto(batch);
    const commit = new Commit(view, this.#retention, this.#clock);
    const done = this.#chores.some(commit, DELETE + 2 * batch.length);
    const answers = batch.map((task) => task.plan(commit));
    return { ...commit.finish(), commitment: commit, done, answers };
  }

  #takeInto(batch: Task[]): void {
    let bytes = 0;
    for (const task of this.#queue) {
      if (batch.length === MAX_BATCH || (bytes > 0 && bytes + task.bytes > MAX_BATCH_BYTES)) break;
      bytes += task.bytes;
      batch.push(task);
    }
    this.#queue = this.#queue.slice(batch.length);
    this.#queuedBytes -= bytes;
  }

  #settle({ commitment, done, answers, ...changes }: Planned): void {
    this.#failed = undefined;
    this.#chores.committed(done);
    for (const channel of new Set(changes.events.map((event) => event.channel))) {
      const { events, bytes } = commitment.stored(channel);
      this.#chores.appendedTo(channel, events, bytes);
    }
    if (changes.events.length > 0) this.#committed(changes);
    for (const answer of answers) answer();
  }

  /** What has come meanwhile would meet the same fault. */
  #fail(batch: readonly Task[], error: unknown): void {
    if (error instanceof TailwireError) this.#failed = { error, at: systemClock.now() };
    for (const task of [...batch, ...this.#queue]) task.reject(error);
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #sinceFailure(): number {
    return systemClock.now() - (this.#failed?.at ?? 0);
  }
}
