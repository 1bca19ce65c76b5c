/** `iframe`: reads the page by its grammar, runs its scripts, and loads it again when the server says that it is full. */

import type { IncomingMessage } from "node:http";
import {
  CARRIES_ALL,
  type ConnectOptions,
  type DriverConnection,
  type DriverMessage,
  type TransportDriver,
} from "../../../src/testing/index.ts";
import { FRAME_QUERY, framePage, messagesOf } from "./frame.ts";
import { channelsOf, HttpClient, messageOf, refuseErrors, requestFor } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { Place } from "./place.ts";

export const iframe: TransportDriver = {
  name: "iframe",
  transport: "iframe",
  endless: true,
  waits: true,
  opens: true,
  pings: false,
  carries: CARRIES_ALL,
  async connect(url, options) {
    const loop = new PageLoop(url, options.signal);
    await loop.load(options);
    return loop;
  },
};

/** Page after page, as one connection. */
class PageLoop implements DriverConnection {
  readonly #url: string;
  readonly #client: HttpClient;
  readonly #inbox = new Inbox("");
  readonly #place: Place;
  #pages = 0;
  #paused = false;

  constructor(url: string, signal: AbortSignal | undefined) {
    this.#url = url;
    this.#client = new HttpClient(signal);
    this.#place = new Place(channelsOf(url), "");
  }

  get cursor(): string {
    return this.#inbox.cursor;
  }

  next(): Promise<IteratorResult<DriverMessage, undefined>> {
    return this.#inbox.next();
  }

  pause(): void {
    this.#paused = true;
    this.#client.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#client.resume();
  }

  close(): void {
    this.#client.close();
    this.#inbox.end();
  }

  async load(options: ConnectOptions): Promise<void> {
    const request = requestFor(this.#url, { transport: "iframe", ...FRAME_QUERY }, options);
    const answer = await this.#client.get(request.url, request.headers);
    await refuseErrors(answer);
    this.#pages += 1;
    if (this.#pages === 1) {
      this.#place.set(String(answer.headers["tailwire-cursor"]));
      this.#inbox.cursor = this.#place.cursor;
    }
    this.#read(answer);
    if (this.#paused) this.#client.pause();
  }

  #read(answer: IncomingMessage): void {
    const page = framePage(answer);
    let full = false;
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => {
      try {
        for (const value of messagesOf(page.push(text))) {
          const message = messageOf(JSON.stringify(value));
          if (full) throw new Error("the page goes on although it is full");
          full = isFull(message);
          if (!full) this.#put(message);
        }
      } catch (error) {
        this.#inbox.end(error);
      }
    });
    answer.on("close", () => {
      if (full) this.load({ from: this.#place.cursor }).catch((error) => this.#inbox.end(error));
      else this.#inbox.end();
    });
  }

  /** Of the pages behind the first, `$open` says what is known. */
  #put(message: DriverMessage): void {
    if (message.type !== "$open" || this.#pages === 1) this.#inbox.put(message, this.#place.after(message));
    else if (!("cursor" in message) || message.cursor !== this.#place.cursor) {
      throw new Error(`page ${this.#pages} begins with ${JSON.stringify(message)}, not at ${this.#place.cursor}`);
    }
  }
}

function isFull(message: DriverMessage): boolean {
  if (message.type !== "$close" || !("reason" in message) || message.reason !== "the page is full") return false;
  if (message.code === 1013 && message.reconnectMs === 0) return true;
  throw new Error(`this is no way to come back: ${JSON.stringify(message)}`);
}
