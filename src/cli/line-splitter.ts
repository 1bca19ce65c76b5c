/** Bytes as lines of text, for what people write: bad UTF-8 becomes U+FFFD, and blank lines count. */

export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #maxLength: number;
  /** The line that has not ended yet. */
  #begun = "";

  /** @param maxLength of one line, in UTF-16 units */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether the line under way has become too long to be held. */
  get tooLong(): boolean {
    return this.#begun.length > this.#maxLength;
  }

  /** Takes the next chunk, cut anywhere, and gives the lines that it completes, without their LF or CRLF. */
  push(chunk: Uint8Array): readonly string[] {
    return this.#split(this.#decoder.decode(chunk, { stream: true }));
  }

  /** The last line, where nothing ended it. */
  end(): readonly string[] {
    const lines = this.#split(this.#decoder.decode());
    const last = this.#begun;
    this.#begun = "";
    return last === "" ? lines : [...lines, last];
  }

  #split(text: string): readonly string[] {
    const lines = text.split("\n");
    const rest = lines.pop() ?? "";
    if (lines.length === 0) {
      this.#begun += rest;
      return lines;
    }
    lines[0] = this.#begun + lines[0];
    this.#begun = rest;
    return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  }
}
