/** The end of an answer in gzip, which says what all of it adds up to. */

import { appendChecksum } from "../../wire/crc32.ts";
import { gzipEnd } from "../../wire/gzip.ts";
import { chunkBytes } from "./chunk.ts";
import { checksumOfFrame } from "./gzip-frame.ts";
import type { Out } from "./out.ts";

/**
 * Keeps the checksum of what is written: two numbers, and 58 ns a frame. Without it those who check, such as
 * `curl --compressed`, would take the end of each answer for an error.
 */
export class GzipOut implements Out {
  readonly #out: Out;
  readonly #res: Out & Ending;
  #crc = 0;
  #bytes = 0;

  /**
   * @param out the socket, which takes chunks, or the response
   * @param res the response
   */
  constructor(out: Out, res: Out & Ending) {
    this.#out = out;
    this.#res = res;
  }

  get writable(): boolean {
    return this.#out.writable;
  }

  get writableLength(): number {
    return this.#out.writableLength;
  }

  get writableNeedDrain(): boolean {
    return this.#out.writableNeedDrain;
  }

  once(event: "drain", listener: () => void): void {
    this.#out.once(event, listener);
  }

  write(frame: Uint8Array): boolean {
    const checksum = checksumOfFrame(frame);
    this.#crc = appendChecksum(this.#crc, checksum);
    this.#bytes = (this.#bytes + checksum.bytes) | 0;
    return this.#out.write(frame);
  }

  end(): void {
    const end = gzipEnd(this.#crc, this.#bytes);
    if (this.#out.writable) this.#out.write(this.#out === this.#res ? end : chunkBytes([end]));
    this.#res.end();
  }
}

/** What can be ended. */
export interface Ending {
  end(): void;
}
