/** Where the frames of an endless HTTP answer go. */

/** What a socket and a response have in common for those who write. */
export interface Out {
  readonly writable: boolean;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  write(frame: Uint8Array): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/** Counts what is written, and says once when it is too much. The first frame, which is `$open`, is not counted. */
export class LimitedOut implements Out {
  readonly #out: Out;
  #left: number;
  #state: "empty" | "open" | "full" = "empty";
  /** Told in the middle of the write that was too much, which is written whole. */
  onFull: () => void = () => {};

  constructor(out: Out, maxBytes: number) {
    this.#out = out;
    this.#left = maxBytes;
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
    const written = this.#out.write(frame);
    if (this.#state === "empty") this.#state = "open";
    else if (this.#state === "open") this.#count(frame.byteLength);
    return written;
  }

  #count(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    this.#state = "full";
    this.onFull();
  }
}
