/** The two ends of a link in one process: text goes over late, in pieces, and not at all once it is cut. */

import type { Clock } from "../../src/core/clock.ts";
import type { Link, LinkOwner } from "../../src/workers/link.ts";

export interface LinkPairOptions {
  /** What is sent arrives when this clock says so: `soon`, or after up to `delayMs`. */
  readonly clock: Clock;
  readonly delayMs?: number;
  /** Characters under way past which an end has enough. */
  readonly capacity?: number;
}

export interface LinkPair {
  readonly primary: TestLink;
  readonly worker: TestLink;
  /** Loses what is under way, and ends both. */
  cut(): void;
}

export function linkPair(options: LinkPairOptions): LinkPair {
  const primary = new TestLink(options);
  const worker = new TestLink(options);
  primary.peer = worker;
  worker.peer = primary;
  return {
    primary,
    worker,
    cut() {
      for (const end of [primary, worker]) end.end();
    },
  };
}

const NOBODY: LinkOwner = { take() {}, drained() {}, closed() {} };

class TestLink implements Link {
  owner: LinkOwner = NOBODY;
  peer: TestLink | undefined;
  /** Lines that were sent, as they were. */
  readonly sent: string[] = [];
  /** Nothing arrives any more, as at a process that was stopped; what is sent stays under way. */
  stopped = false;
  readonly #options: LinkPairOptions;
  #underWay: string[] = [];
  #wantsDrain = false;
  #ended = false;
  #due = false;

  constructor(options: LinkPairOptions) {
    this.#options = options;
  }

  get underWayChars(): number {
    return this.#underWay.reduce((sum, text) => sum + text.length, 0);
  }

  send(text: string): boolean {
    if (this.#ended) return false;
    this.sent.push(text);
    this.#underWay.push(text);
    this.#schedule();
    const { capacity = Number.POSITIVE_INFINITY } = this.#options;
    this.#wantsDrain = this.underWayChars > capacity;
    return !this.#wantsDrain;
  }

  close(): void {
    const { clock } = this.#options;
    if (this.#underWay.length === 0) clock.soon(() => this.#endBoth());
    else clock.soon(() => this.close());
  }

  #endBoth(): void {
    this.end();
    this.peer?.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#underWay = [];
    this.owner.closed();
  }

  /** What is under way to a stopped end goes on when it is let go on. */
  goOn(): void {
    this.stopped = false;
    this.peer?.arrive();
  }

  /** Hands all that is under way to the other end, cut at random places. */
  arrive(): void {
    this.#due = false;
    if (this.#ended || this.peer === undefined || this.peer.stopped) return;
    const text = this.#underWay.join("");
    this.#underWay = [];
    for (const piece of pieces(text, this.#options.clock)) this.peer.#take(piece);
    if (!this.#wantsDrain || this.#ended) return;
    this.#wantsDrain = false;
    this.owner.drained();
  }

  #take(text: string): void {
    if (!this.#ended) this.owner.take(text);
  }

  #schedule(): void {
    if (this.#due) return;
    this.#due = true;
    const { clock, delayMs = 0 } = this.#options;
    if (delayMs === 0) clock.soon(() => this.arrive());
    else clock.after(clock.random() * delayMs, () => this.arrive());
  }
}

function* pieces(text: string, clock: Clock): Generator<string> {
  for (let rest = text; rest !== ""; ) {
    const length = Math.ceil(clock.random() ** 4 * rest.length) || rest.length;
    yield rest.slice(0, length);
    rest = rest.slice(length);
  }
}
