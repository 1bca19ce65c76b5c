/** `long-poll`, `poll`, `jsonp` and `iframe-poll` as loops: ask, take what comes, ask again from there. */

import type { IncomingMessage } from "node:http";
import {
  CARRIES_ALL,
  type ConnectOptions,
  type DriverConnection,
  type DriverMessage,
  type TransportDriver,
} from "../../../src/testing/index.ts";
import { FRAME_QUERY, framePage, messagesOf } from "./frame.ts";
import { channelsOf, HttpClient, messageOf, refuseErrors, requestFor, textOf } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { Place } from "./place.ts";
import { CallbackPage } from "./script-page.ts";

const ENDS = { endless: false, opens: false, pings: false, carries: CARRIES_ALL } as const;

/** The body of an answer. */
interface Body {
  readonly cursor: string;
  readonly events: readonly unknown[];
}

/** How a transport asks, and hands over its bodies. */
interface Form {
  readonly query: Readonly<Record<string, string>>;
  /** Whether it also comes back by If-None-Match, with the ETag that each answer has. */
  readonly tagged: boolean;
  /** Reads an answer that is not 304. */
  read(answer: IncomingMessage, text: string): Body;
}

const WAITS = { wait: "20" };
const JSON_FORM = { tagged: true, read: (_: IncomingMessage, text: string): Body => JSON.parse(text) as Body } as const;

export const longPoll: TransportDriver = {
  ...ENDS,
  name: "long-poll",
  transport: "long-poll",
  waits: true,
  connect: (url, options) => waiting(url, { ...JSON_FORM, query: { ...WAITS, transport: "long-poll" } }, options),
};

export const poll: TransportDriver = {
  ...ENDS,
  name: "poll",
  transport: "poll",
  waits: false,
  async connect(url, options) {
    const loop = new PollLoop(url, { ...JSON_FORM, query: { transport: "poll" } }, options);
    await loop.askOnce({});
    return loop;
  },
};

const CALLBACK = "tailwire.take_$1";

export const jsonp: TransportDriver = {
  ...ENDS,
  name: "jsonp",
  transport: "jsonp",
  waits: true,
  connect(url, options) {
    const page = new CallbackPage(CALLBACK);
    const read = (answer: IncomingMessage, text: string): Body => {
      if (answer.headers["content-type"] !== "application/javascript; charset=utf-8") throw new Error("not a script");
      return page.run(text) as Body;
    };
    return waiting(url, { query: { ...WAITS, callback: CALLBACK }, tagged: false, read }, options);
  },
};

export const iframePoll: TransportDriver = {
  ...ENDS,
  name: "iframe-poll",
  transport: "iframe-poll",
  waits: true,
  connect: (url, options) =>
    waiting(url, { query: { ...WAITS, ...FRAME_QUERY, transport: "iframe-poll" }, tagged: false, read }, options),
};

function read(answer: IncomingMessage, text: string): Body {
  const page = framePage(answer);
  const [body, ...others] = messagesOf(page.push(text));
  if (!page.whole || others.length > 0) throw new Error(`not one body: ${text}`);
  return body as Body;
}

async function waiting(url: string, form: Form, options: ConnectOptions): Promise<DriverConnection> {
  const loop = new PollLoop(url, form, options);
  // Who begins at now has begun only once he knows where now is.
  if ((options.from ?? "now") === "now" && options.lastEventId === undefined) await loop.askOnce({ wait: "0" });
  return loop;
}

class PollLoop implements DriverConnection {
  readonly #url: string;
  readonly #form: Form;
  readonly #client: HttpClient;
  readonly #inbox: Inbox;
  readonly #place: Place;
  #options: ConnectOptions;
  /** Where the last answer ended; asked for in turn by `from` and by `If-None-Match`. */
  #cursor = "";
  #asks = 0;

  constructor(url: string, form: Form, options: ConnectOptions) {
    this.#url = url;
    this.#form = form;
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
    const { url, headers } = requestFor(this.#url, { ...this.#form.query, ...this.#limit(), ...query }, this.#options);
    this.#asks += 1;
    const byTag = this.#form.tagged && this.#cursor !== "" && this.#asks % 2 === 0;
    const tag: Record<string, string> = byTag ? { "If-None-Match": `"${this.#cursor}"` } : {};
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
    const { etag } = answer.headers;
    if (etag !== (this.#form.tagged ? `"${cursor}"` : undefined)) throw new Error(`ETag ${etag} at ${cursor}`);
    if (answer.statusCode === 200) this.#takeBody(this.#form.read(answer, text), cursor);
    this.#cursor = cursor;
    this.#options = { from: cursor };
  }

  #takeBody(body: Body, cursor: string): void {
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
