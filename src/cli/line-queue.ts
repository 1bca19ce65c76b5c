/** Lines that wait to be published, and the batches that they go in. */

import { randomUUID } from "node:crypto";

/** What one request publishes. Sent again it makes nothing twice. */
export interface Batch {
  /** NDJSON, one event a line. */
  readonly body: string;
  /** How many lines it has, and the number of the first one in the input, from 1. */
  readonly lines: number;
  readonly firstLine: number;
  readonly idempotencyKey: string;
}

export class LineQueue {
  /** Each is one line of JSON. */
  #lines: string[] = [];
  #length = 0;
  #taken = 0;

  /** How much waits, in UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  /** How many lines wait. */
  get lines(): number {
    return this.#lines.length;
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#length += line.length + 1;
  }

  /** All that waits, as one batch; undefined where nothing does. */
  take(): Batch | undefined {
    const lines = this.#lines;
    if (lines.length === 0) return undefined;
    const firstLine = this.#taken + 1;
    this.#taken += lines.length;
    this.#lines = [];
    this.#length = 0;
    return { body: `${lines.join("\n")}\n`, lines: lines.length, firstLine, idempotencyKey: randomUUID() };
  }
}
