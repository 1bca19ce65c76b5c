/** A worker as the primary sees it: what it follows, and whether publishers have to wait for it. */

import type { ChannelName } from "../core/channel-name.ts";
import type { Clock } from "../core/clock.ts";
import { type Link, LinkEnd, type MessageOwner } from "./link.ts";
import type { Tell } from "./messages.ts";

/** Characters of events told and not taken yet, past which publishers wait. */
const MAX_UNTAKEN_CHARS = 64 * 1024;
/** After so many it is asked whether it has taken them. */
const MARK_CHARS = 16 * 1024;

export class Peer {
  /** The channels that it follows. */
  readonly channels = new Set<ChannelName>();
  readonly #end: LinkEnd;
  readonly #held = new Set<ChannelName>();
  readonly #missed = new Set<ChannelName>();
  /** `behind`: it says nothing any more. Nobody waits for it then, and it is told of no events. */
  #state: "heard" | "silent" | "behind" = "heard";
  #untakenChars = 0;
  #unmarkedChars = 0;

  constructor(link: Link, clock: Clock, owner: MessageOwner) {
    this.#end = new LinkEnd(link, clock, owner);
  }

  say(message: Tell): void {
    this.#end.push(JSON.stringify(message));
  }

  /** Tells of an event, given as a message in JSON, which is made once for all workers. */
  tell(channel: ChannelName, event: string): void {
    if (this.#state === "behind") {
      this.#missed.add(channel);
      return;
    }
    this.#end.push(event);
    this.#untakenChars += event.length;
    this.#unmarkedChars += event.length;
    if (this.#unmarkedChars < MARK_CHARS) return;
    this.say(["mark", this.#unmarkedChars]);
    this.#unmarkedChars = 0;
  }

  took(chars: number): void {
    this.#untakenChars -= chars;
  }

  hold(channel: ChannelName): void {
    this.#held.add(channel);
  }

  release(channel: ChannelName): void {
    this.#held.delete(channel);
  }

  /** Whether publishers of a channel that it follows have to wait for it. */
  isSlow(channel: ChannelName): boolean {
    return this.#state !== "behind" && (this.#untakenChars > MAX_UNTAKEN_CHARS || this.#held.has(channel));
  }

  /** It has said something; gives the channels of which it was not told all. */
  heard(): readonly ChannelName[] {
    this.#state = "heard";
    if (this.#missed.size === 0) return [];
    const missed = [...this.#missed];
    this.#missed.clear();
    return missed;
  }

  /** A second has passed in which publishers waited. The second one in which it owed a word and said none is too many. */
  waited(): void {
    const owes = this.#untakenChars > MAX_UNTAKEN_CHARS || this.#held.size > 0;
    if (owes) this.#state = this.#state === "heard" ? "silent" : "behind";
  }
}
