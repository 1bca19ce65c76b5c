/** `long-poll` and `poll` as loops: ask, take what comes, ask again from there. */

import type { IncomingMessage } from "node:http";
import {
  CARRIES_ALL,
  type ConnectOptions,
  type DriverConnection,
  type DriverMessage,
  type TransportDriver,
} from "../../../src/testing/index.ts";
import { channelsOf, HttpClient, messageOf, refuseErrors, requestFor, textOf } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { Place } from "./place.ts";

const ENDS = { endless: false, opens: false, pings: false, carries: CARRIES_ALL } as const;

export const longPoll: TransportDriver = {
  ...ENDS,
  name: "long-poll",
  transport: "long-poll",
  waits: true,
  async connect(url, options) {
    const loop = new PollLoop(url, { transport: "long-poll", wait: "20" }, options);
    // Who begins at now has begun only once he knows where now is.
    if ((options.from ?? "now") === "now" && options.lastEventId === undefined) await loop.askOnce({ wait: "0" });
    return loop;
  },
};

export const poll: TransportDriver = {
  ...ENDS,
  name: "poll",
  transport: "poll",
  waits: false,
  async connect(url, options) {
    const loop = new PollLoop(url, { transport: "poll" }, options);
    await loop.askOnce({});
    return loop;
  },
};

class PollLoop implements DriverConnection {
  readonly #url: string;
  readonly #query: Readonly<Record<string, string>>;
  readonly #client: HttpClient;
  readonly #inbox: Inbox;
  readonly #place: Place;
  #options: ConnectOptions;
  /** Where the last answer ended; asked for in turn by `from` and by `If-None-Match`. */
  #cursor = "";
  #asks = 0;

  constructor(url: string, query: Readonly<Record<string, string>>, options: ConnectOptions) {
    this.#url = url;
    this.#query = query;
    this.#options = options;
    this.#client = new HttpClient(options.signal);
    const { lastEventId, from = "" } = options;
    const cursor = lastEventId ?? (from.includes(":") ? from : "");
    this.#inbox = new Inbox(cursor);
    this.#place = new Place(channelsOf(url), cursor);
  }

  get cursor(): string {
    return this.#inbox.cursor;
  }

  async next(): Promise<IteratorResult<DriverMessage, undefined>> {
    try {
      while (this.#inbox.empty && !this.#client.closed) await this.askOnce({});
    } catch (error) {
      if (!this.#client.closed) throw error;
    }
    if (this.#inbox.empty) this.#inbox.end();
    return this.#inbox.next();
  }

  async askOnce(query: Readonly<Record<string, string>>): Promise<void> {
    const { url, headers } = requestFor(this.#url, { ...this.#query, ...this.#limit(), ...query }, this.#options);
    this.#asks += 1;
    const tag: Record<string, string> =
      this.#cursor !== "" && this.#asks % 2 === 0 ? { "If-None-Match": `"${this.#cursor}"` } : {};
    const answer = await this.#client.get(url, { ...headers, ...tag });
    await refuseErrors(answer);
    await this.#take(answer);
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.#client.close();
  }

  async #take(answer: IncomingMessage): Promise<void> {
    const text = await textOf(answer);
    const cursor = String(answer.headers["tailwire-cursor"]);
    if (answer.headers.etag !== `"${cursor}"`) throw new Error(`ETag ${answer.headers.etag} of an answer at ${cursor}`);
    if (answer.statusCode === 200) this.#takeBody(text, cursor);
    this.#cursor = cursor;
    this.#options = { from: cursor };
  }

  #takeBody(text: string, cursor: string): void {
    const body = JSON.parse(text) as { readonly cursor: string; readonly events: readonly unknown[] };
    if (body.cursor !== cursor) throw new Error(`the body ends at ${body.cursor}, its head says ${cursor}`);
    const messages = body.events.map((event) => messageOf(JSON.stringify(event)));
    for (const [index, message] of messages.entries()) {
      const after = this.#place.after(message);
      this.#inbox.put(message, index === messages.length - 1 ? cursor : after);
    }
    this.#place.set(cursor);
    if (messages.length === 0) this.#inbox.cursor = cursor;
  }

  /**
   * A body says where it ends in all its channels, and not where it begins. So that the cursor after each event is
   * known, the first body of several channels brings one.
   */
  #limit(): Readonly<Record<string, string>> {
    return this.#asks === 0 && channelsOf(this.#url).includes(",") ? { limit: "1" } : {};
  }
}
