/**
 * One end of the link between the primary and a worker. What is said in one turn of the event loop goes as one line, a
 * JSON array: one message a write costs both ends 21 µs, sixteen cost 6.5 each. Nothing is given to a link that has
 * enough; what is said meanwhile waits here, and goes together.
 */

import type { Clock } from "../core/clock.ts";

/** Carries text both ways, in order, cut anywhere; a socket, or a test. */
export interface Link {
  /** Who is told of what comes. */
  owner: LinkOwner;
  /** Takes the text in any case. False: it has enough, and no more shall come until it has drained. */
  send(text: string): boolean;
  /** Sends what it was given, then ends. */
  close(): void;
}

export interface LinkOwner {
  /** The next part of what the other end has sent. */
  take(text: string): void;
  drained(): void;
  /** It has ended, from either end. */
  closed(): void;
}

/** What a line may have of characters before the next begins, so that both ends do other work between. */
const MAX_LINE_CHARS = 1024 * 1024;

/** Told of the messages of a {@link LinkEnd}. */
export interface MessageOwner {
  /** The messages of one line. */
  take(messages: readonly unknown[]): void;
  closed(): void;
}

export class LinkEnd implements LinkOwner {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #owner: MessageOwner;
  /** `idle`: nothing waits. `due`: it goes at the end of this turn. `full`: it goes when the link has drained. */
  #state: "idle" | "due" | "full" | "closed" = "idle";
  #waiting: string[] = [];
  /** The line that has not ended yet. */
  #begun = "";

  constructor(link: Link, clock: Clock, owner: MessageOwner) {
    this.#link = link;
    this.#clock = clock;
    this.#owner = owner;
    link.owner = this;
  }

  /** Sends a message, given as JSON, with the others of this turn. */
  push(json: string): void {
    if (this.#state === "closed") return;
    this.#waiting.push(json);
    if (this.#state === "idle") this.#schedule();
  }

  /** Sends what waits, then ends the link. */
  close(): void {
    if (this.#state === "closed") return;
    while (this.#waiting.length > 0) this.#link.send(this.#nextLine());
    this.#link.close();
    this.closed();
  }

  take(text: string): void {
    const lines = text.split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      const whole = this.#begun + line;
      this.#begun = "";
      this.#owner.take(JSON.parse(whole));
    }
    this.#begun += rest;
  }

  drained(): void {
    if (this.#state !== "full") return;
    this.#state = "idle";
    if (this.#waiting.length > 0) this.#schedule();
  }

  closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#waiting = [];
    this.#owner.closed();
  }

  #schedule(): void {
    this.#state = "due";
    this.#clock.soon(() => this.#flush());
  }

  #flush(): void {
    if (this.#state !== "due") return;
    const taken = this.#link.send(this.#nextLine());
    if (this.#state !== "due") return; // it was closed by that
    this.#state = taken ? "idle" : "full";
    if (taken && this.#waiting.length > 0) this.#schedule();
  }

  #nextLine(): string {
    let chars = 0;
    let count = 0;
    for (const { length } of this.#waiting) {
      chars += length;
      count += 1;
      if (chars >= MAX_LINE_CHARS) break;
    }
    return `[${this.#waiting.splice(0, count).join(",")}]\n`;
  }
}
