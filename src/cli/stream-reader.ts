/** One endless answer of a server, read line by line, with a limit on its silence. */

import { Failure } from "./failure.ts";
import { LineSplitter } from "./line-splitter.ts";
import { troubleOf } from "./server-answer.ts";

/** How long a server may take for the head of its answer, and for `$open`, in milliseconds. */
const OPEN_MS = 30_000;
/** The longest message, in UTF-16 units. */
const MAX_LINE = 256 * 1024 * 1024;

const HEADERS = { Accept: "application/x-ndjson", "Accept-Encoding": "identity" } as const;

export class StreamReader {
  /** Silence for longer than this ends it. Reading sets the time, so that a slow consumer's own silence does not count. */
  silenceMs = OPEN_MS;
  readonly #aborter = new AbortController();

  /**
   * The lines, as many at a time as come together; a last one that is not whole is dropped.
   * @throws {Failure} where the server refuses the request; other errors for what may be better next time
   */
  async *lines(url: string): AsyncGenerator<readonly string[], void, undefined> {
    const body = await this.#open(url);
    const splitter = new LineSplitter(MAX_LINE);
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await this.#limited(reader.read());
      if (done) return;
      yield splitter.push(value);
      if (splitter.tooLong) throw new Error(`a message is longer than ${MAX_LINE} characters`);
    }
  }

  close(): void {
    this.#aborter.abort();
  }

  async #open(url: string): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#limited(fetch(url, { headers: HEADERS, signal: this.#aborter.signal }));
    const type = response.headers.get("content-type") ?? "";
    if (response.status !== 200) {
      const { passing, why } = await this.#limited(troubleOf(response));
      throw passing ? new Error(why) : new Failure(why);
    }
    if (type.startsWith("application/x-ndjson") && response.body !== null) return response.body;
    throw new Failure(`${url} is not a Tailwire server's: it answered with ${type === "" ? "nothing" : type}`);
  }

  async #limited<T>(promise: Promise<T>): Promise<T> {
    const { silenceMs } = this;
    const silent = () => this.#aborter.abort(new Error(`silent for ${silenceMs / 1000} s`));
    const timer = setTimeout(silent, silenceMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
