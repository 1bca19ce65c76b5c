/** Where `tail` is in each of its channels. Pure. */

interface Position {
  readonly epoch: string;
  readonly offset: number;
}

export class TailCursor {
  readonly #channels: readonly string[];
  readonly #first: string;
  readonly #positions = new Map<string, Position>();

  /** @param first where to begin, as the user said it */
  constructor(channels: readonly string[], first: string) {
    this.#channels = channels;
    this.#first = first;
  }

  /** Where to go on from, as the query's `from`. */
  get from(): string {
    const [channel = ""] = this.#channels;
    const only = this.#channels.length === 1 ? this.#positions.get(channel) : undefined;
    if (only !== undefined) return format(only);
    const parts = [...this.#positions].map(([name, position]) => `${name}=${format(position)}`);
    return parts.length === 0 ? this.#first : parts.join(",");
  }

  /** The server has begun to answer from this cursor. What is known already stands. */
  opened(cursor: string): void {
    const single = this.#channels.length === 1;
    for (const part of single ? [`${this.#channels[0]}=${cursor}`] : cursor.split(",")) {
      const [channel = "", id = ""] = part.split("=");
      if (!this.#positions.has(channel)) this.#move(channel, id);
    }
  }

  /** An event has come. False where it has come before. */
  take(channel: string, id: string): boolean {
    const known = this.#positions.get(channel);
    const position = parse(id);
    if (known !== undefined && known.epoch === position?.epoch && position.offset <= known.offset) return false;
    this.#move(channel, id);
    return true;
  }

  /** Events are missing; it goes on from there. */
  skip(channel: string, next: string): void {
    this.#move(channel, next);
  }

  #move(channel: string, id: string): void {
    const position = parse(id);
    if (position !== undefined) this.#positions.set(channel, position);
  }
}

function parse(id: string): Position | undefined {
  const [, epoch, offset] = /^([A-Za-z0-9]+):(\d+)$/.exec(id) ?? [];
  return epoch === undefined ? undefined : { epoch, offset: Number(offset) };
}

function format({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}
