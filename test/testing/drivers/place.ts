/** A client's place in its channels, kept by the ids of what it was sent, as PROTOCOL.md tells clients to. */

import type { DriverMessage } from "../../../src/testing/index.ts";

export class Place {
  readonly #positions = new Map<string, string>();
  readonly #channels: readonly string[];

  /** @param channels as they stand in the URL */
  constructor(channels: string, cursor: string) {
    this.#channels = channels.split(",");
    this.set(cursor);
  }

  set(cursor: string): void {
    const [only] = this.#channels;
    if (this.#channels.length === 1 && only !== undefined) this.#positions.set(only, cursor);
    else {
      for (const part of cursor.split(",").filter(Boolean)) {
        const equals = part.indexOf("=");
        this.#positions.set(part.slice(0, equals), part.slice(equals + 1));
      }
    }
  }

  /** Moves behind a message; gives the cursor there. */
  after(message: DriverMessage): string {
    if (message.type === "$gap" && "next" in message) this.#positions.set(message.channel, message.next);
    else if ("id" in message && message.id !== undefined) this.#positions.set(message.channel ?? "", message.id);
    return this.cursor;
  }

  get cursor(): string {
    if (this.#channels.length === 1) return [...this.#positions.values()].join();
    return [...this.#positions].map(([channel, position]) => `${channel}=${position}`).join();
  }
}
