/**
 * Lines of a stream as events, in order, as they come. A line goes out at once where nothing is under way; what comes
 * meanwhile goes together in the next request. While much waits, no more is read.
 */

import type { Readable } from "node:stream";
import { Failure } from "./failure.ts";
import { type Batch, LineQueue } from "./line-queue.ts";
import { LineSplitter } from "./line-splitter.ts";

/** UTF-16 units that wait to be sent past which no more is read. */
const MAX_WAITING = 1024 * 1024;
/** The longest line that is held to see its end, in UTF-16 units; servers take 1 MiB unless told otherwise. */
const MAX_LINE = 16 * 1024 * 1024;

export interface LineOptions {
  /** The lines are JSON already, and are checked. Otherwise each is text. */
  readonly json: boolean;
  /** Settles when the batch is published. */
  publish(batch: Batch): Promise<void>;
}

/**
 * Publishes every line; settles when all of them are published. Destroy the source to end it early.
 * @throws {Failure} for a line that cannot be published, after those before it; and what `publish` throws
 */
export async function publishLines(source: Readable, { json, publish }: LineOptions): Promise<void> {
  const queue = new LineQueue();
  const sender = new Sender(queue, publish, () => source.destroy());
  const splitter = new LineSplitter(MAX_LINE);
  const encode = json ? checkJson : (line: string) => JSON.stringify(line);
  let count = 0;
  const addAll = (lines: readonly string[]) => {
    for (const line of lines) queue.add(encode(line, ++count));
    if (splitter.tooLong) throw new Failure(`line ${count + 1} of the input is longer than ${MAX_LINE} characters`);
  };
  try {
    for await (const chunk of source) {
      addAll(splitter.push(chunk as Buffer));
      await sender.go();
    }
    addAll(splitter.end());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  } finally {
    // What was read before a fault in the input goes out all the same; where that fails, that is the graver fault.
    await sender.end();
  }
}

/** Blank lines stay, as NDJSON's readers pass over them: so the server counts lines as we do. */
function checkJson(line: string, number: number): string {
  try {
    if (line.trim() !== "") JSON.parse(line);
    return line;
  } catch (cause) {
    throw new Failure(`line ${number} of the input is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Publishes what is in the queue, one request at a time. */
class Sender {
  readonly #queue: LineQueue;
  readonly #publish: (batch: Batch) => Promise<void>;
  readonly #onFailure: () => void;
  #request: Promise<void> = Promise.resolve();
  /** Until the queue is empty; stays when it has failed. */
  #sending: Promise<void> | undefined;

  constructor(queue: LineQueue, publish: (batch: Batch) => Promise<void>, onFailure: () => void) {
    this.#queue = queue;
    this.#publish = publish;
    this.#onFailure = onFailure;
  }

  /** Begins to send where nothing is under way, and settles when there is room for more. */
  async go(): Promise<void> {
    this.#begin();
    while (this.#queue.length > MAX_WAITING) await this.#request;
  }

  /** Settles when all is sent. */
  async end(): Promise<void> {
    this.#begin();
    await this.#sending;
  }

  #begin(): void {
    if (this.#sending !== undefined || this.#queue.lines === 0) return;
    this.#sending = this.#sendAll();
    this.#sending.catch(this.#onFailure);
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#queue.take(); batch !== undefined; batch = this.#queue.take()) {
      this.#request = this.#publish(batch);
      await this.#request;
    }
    this.#sending = undefined;
  }
}
