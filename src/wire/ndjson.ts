/**
 * Bytes as lines, for NDJSON in both directions: publishes to a server, streams of messages to a client.
 *
 * The lines that a chunk holds whole are decoded together and then cut as one string. Only what a chunk leaves
 * unfinished is copied, to wait for its end.
 */

import { TailwireError } from "../core/errors.ts";

const LF = 10;
const CR = 13;

/** Cuts one stream of UTF-8 into lines that end with LF or CRLF. Once it has thrown, it is of no more use. */
export class LineReader {
  readonly #maxLineBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #line = 0;
  // One growing buffer: a list of chunks would cost a sender of single bytes nothing and us a hundred times as much.
  #held = new Uint8Array(0);
  #heldBytes = 0;

  /** @param maxLineBytes the longest line, without what ends it */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The number of the line last yielded, or of the one at fault, counted from 1, blank ones too. */
  get line(): number {
    return this.#line;
  }

  /**
   * Takes the next chunk, cut anywhere, and yields the lines it completes, without blank ones. The chunk counts
   * as taken only when all its lines are.
   * @throws {TailwireError} `invalid_data` for bad UTF-8, `event_too_large` before a long line is held whole;
   * in either case after the lines before it
   */
  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    let at = 0;
    if (this.#heldBytes > 0) {
      const end = chunk.indexOf(LF);
      this.#hold(end < 0 ? chunk : chunk.subarray(0, end));
      if (end < 0) return;
      const line = this.#count(this.#release());
      if (line !== "") yield line;
      at = end + 1;
    }
    const end = chunk.lastIndexOf(LF);
    if (end >= at) {
      for (const text of this.#decodeAll(chunk.subarray(at, end))) {
        const line = this.#count(text);
        if (line !== "") yield line;
      }
      at = end + 1;
    }
    if (at < chunk.length) this.#hold(chunk.subarray(at));
  }

  /**
   * Yields the last line, where nothing ended it.
   * @throws {TailwireError} as {@link LineReader.push}
   */
  *end(): Generator<string, void, undefined> {
    if (this.#heldBytes === 0) return;
    const line = this.#count(this.#release());
    if (line !== "") yield line;
  }

  /** Whole lines, with the LF between them, at once; one by one where one of them may be at fault. */
  #decodeAll(lines: Uint8Array): Iterable<string> {
    if (lines.length > this.#maxLineBytes) return this.#decodeEach(lines);
    try {
      return this.#decoder.decode(lines).split("\n");
    } catch {
      return this.#decodeEach(lines);
    }
  }

  *#decodeEach(lines: Uint8Array): Generator<string, void, undefined> {
    let at = 0;
    for (let end = lines.indexOf(LF); end >= 0; end = lines.indexOf(LF, at)) {
      yield this.#decode(lines.subarray(at, end));
      at = end + 1;
    }
    yield this.#decode(lines.subarray(at));
  }

  #decode(line: Uint8Array): string {
    const bytes = line[line.length - 1] === CR ? line.length - 1 : line.length;
    if (bytes > this.#maxLineBytes) throw this.#tooLarge();
    try {
      return this.#decoder.decode(line);
    } catch (cause) {
      throw this.#fault("invalid_data", "is not UTF-8", cause);
    }
  }

  #hold(part: Uint8Array): void {
    const bytes = this.#heldBytes + part.length;
    // One more, for the CR of a CRLF.
    if (bytes > this.#maxLineBytes + 1) throw this.#tooLarge();
    if (bytes > this.#held.length) {
      const grown = new Uint8Array(Math.max(bytes, Math.min(2 * this.#held.length, this.#maxLineBytes + 1)));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  #release(): string {
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    return this.#decode(this.#held.subarray(0, bytes));
  }

  /** Counts a line, and gives it without its CR; "" where it is blank. */
  #count(text: string): string {
    this.#line++;
    // RFC 8259, 8.1: a reader may pass over a byte order mark, and files from Windows have one.
    const line = this.#line === 1 && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    if (isBlank(line)) return "";
    return line.charCodeAt(line.length - 1) === CR ? line.slice(0, -1) : line;
  }

  #tooLarge(): TailwireError {
    return this.#fault("event_too_large", `is longer than ${this.#maxLineBytes} bytes`);
  }

  /** The line at fault is always the one after those counted. */
  #fault(code: "invalid_data" | "event_too_large", what: string, cause?: unknown): TailwireError {
    this.#line++;
    return new TailwireError(code, `line ${this.#line} ${what}`, { cause });
  }
}

/** RFC 8259, 2: the white space of JSON. */
const WHITE_SPACE = /^[ \t\r]*$/;

/** Whether a line holds no JSON text at all. */
export function isBlank(line: string): boolean {
  // Nearly every line begins with something else, and this is asked of each.
  return !(line.charCodeAt(0) > 32) && WHITE_SPACE.test(line);
}
