/**
 * `long-poll` and `poll`: one JSON body with what follows the client's cursor (PROTOCOL.md, "Polling"). A long
 * poll is a connection whose first write completes it; a poll does not wait for one. `jsonp` and `iframe-poll` are the
 * same in another form. Where an answer goes is its reply's: a response of node:http, or a socket (poll-socket.ts).
 */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { type Cursor, formatCursor } from "../../core/cursor.ts";
import { TailwireError } from "../../core/errors.ts";
import { type Item, isGap, positionAfter } from "../../core/event.ts";
import type { Encoding, Sink } from "../../core/group.ts";
import type { Hub } from "../../core/hub.ts";
import type { MaybePromise } from "../../core/store.ts";
import type { Subscription } from "../../core/subscription.ts";
import { encodeItem } from "../../wire/message.ts";
import type { Plan } from "../negotiate.ts";
import { respondProblem } from "../respond.ts";
import { closeBehind, whenGone } from "../turns.ts";
import type { Answer } from "./answer.ts";
import { type Waiter, WaitingList } from "./waiting-list.ts";

/** A whole answer, made once for all who wait for it. */
export interface PollFrame {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly cursor: string;
  /** Whether it holds all that there was, and not only as much as was asked for. */
  readonly isWhole: boolean;
  /** Head and body as they were written to a socket last. */
  written: { readonly keepAliveMs: number; readonly bytes: Buffer } | undefined;
}

/** Where an answer goes. */
export interface PollReply {
  /** Whether the client may ask for what follows this answer with {@link Poll.again}. */
  readonly repeats: boolean;
  send(frame: PollFrame): void;
  /** Refuses, in place of a frame. */
  refuse(error: TailwireError): void;
  /** There is no answer: the log could not be read. */
  destroy(): void;
}

/** What is asked. */
export interface Asked {
  readonly hub: Hub;
  readonly plan: Plan;
  /** Opened, not begun; the poll closes it. */
  readonly subscription: Subscription;
}

/** What a body is handed over in. */
export interface PollForm {
  /** Forms with the same key make the same of the same. */
  readonly key: string;
  readonly headers: OutgoingHttpHeaders;
  /** Whether the client is told its cursor as an entity-tag, for `If-None-Match`. */
  readonly tagged: boolean;
  /** Makes what stands for a message in the body. */
  message(json: string): string;
  /** Makes the answer of the body. */
  body(text: string): string;
}

export const JSON_FORM: PollForm = {
  key: "poll",
  headers: { "Content-Type": "application/json" },
  tagged: true,
  message: (json) => json,
  body: (text) => `${text}\n`,
};

/** Answers a request with one body, in a form. */
export async function answerPoll(answer: Answer, form: PollForm): Promise<void> {
  const { req, res, hub } = answer;
  const poll = new Poll(answer, form, new ResponseReply(req, res, hub));
  whenGone(req, res, () => poll.end());
  await poll.run();
}

class ResponseReply implements PollReply {
  readonly repeats = false;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #hub: Hub;

  constructor(req: IncomingMessage, res: ServerResponse, hub: Hub) {
    this.#req = req;
    this.#res = res;
    this.#hub = hub;
  }

  send({ status, headers, body }: PollFrame): void {
    if (this.#res.destroyed) return;
    if (this.#hub.draining) closeBehind(this.#req, this.#res);
    this.#res.writeHead(status, headers).end(body);
  }

  refuse(error: TailwireError): void {
    closeBehind(this.#req, this.#res);
    respondProblem(this.#res, error);
  }

  destroy(): void {
    this.#res.destroy();
  }
}

/** The first `limit` events of a flush as a whole body. */
export function pollEncoding(limit: number, form: PollForm = JSON_FORM): Encoding<PollFrame> {
  return {
    key: `${form.key} ${limit}`,
    carriesCursor: true,
    encode(items, before) {
      const cursor = new Map(before);
      const messages: string[] = [];
      let events = 0;
      for (const item of items) {
        if (!isGap(item) && ++events > limit) break;
        messages.push(form.message(encodeItem(item)));
        cursor.set(item.channel, positionAfter(item));
      }
      return makeFrame(form, cursor, messages, events <= limit);
    },
  };
}

function makeFrame(form: PollForm, cursor: Cursor, messages: readonly string[], isWhole: boolean): PollFrame {
  const text = formatCursor(cursor);
  const body = Buffer.from(form.body(`{"cursor":${JSON.stringify(text)},"events":[${messages.join(",")}]}`));
  const headers = { ...headersOf(form, text), ...form.headers, "Content-Length": body.byteLength };
  return { status: 200, headers, body, cursor: text, isWhole, written: undefined };
}

/**
 * One poll: it is answered at once where there is something or nobody waits, else with the first frame.
 *
 * Where the client repeats itself, one that has waited is kept when it is answered: its place in the fan-out is where the
 * client will ask from, so the next poll costs no look into the log and makes nothing. What comes before that is
 * not kept for the client: the place is given up, and the next poll reads it in the log.
 *
 *     reading ──nothing there──▶ waiting ──answered──▶ kept ──again──▶ waiting
 *        └──────answered───────────┴───────▶ ended ◀────┴── something came first, or nobody asked
 */
export class Poll implements Sink<PollFrame>, Waiter {
  readonly encoding: Encoding<PollFrame>;
  readonly halfFull = false;
  since = 0;
  readonly #asked: Asked;
  readonly #form: PollForm;
  readonly #reply: PollReply;
  #state: "reading" | "waiting" | "kept" | "ended" = "reading";
  #waiting: WaitingList | undefined;
  /** What it was answered with. */
  #cursor: string | undefined;

  constructor(asked: Asked, form: PollForm, reply: PollReply) {
    this.#asked = asked;
    this.#form = form;
    this.#reply = reply;
    this.encoding = pollEncoding(asked.plan.limit, form);
  }

  /** Reads, answers or waits. Rejects where the log cannot be read; then it is not answered. */
  run(): MaybePromise<void> {
    const { plan, subscription } = this.#asked;
    const before = subscription.cursor;
    const items = subscription.read(plan.firstRead);
    if (items instanceof Promise) return items.then((read) => this.#take(read, before));
    this.#take(items, before);
  }

  /** What the client will ask from if it goes on; undefined where that is not known. */
  get next(): string | undefined {
    return this.#state === "kept" ? this.#cursor : undefined;
  }

  /** The client asks for what follows this cursor. True: it waits again; false: it has ended, so open another. */
  again(cursor: string): boolean {
    if (this.#state !== "kept" || cursor !== this.#cursor) {
      this.end();
      return false;
    }
    this.#state = "waiting";
    this.#waiting?.add(this);
    return true;
  }

  write(frame: PollFrame): boolean {
    if (this.#state === "ended") return true;
    if (this.#state === "kept") this.end();
    else this.#answer(frame);
    return true;
  }

  fail(): void {
    this.end();
    this.#reply.destroy();
  }

  waitedOut(): void {
    if (this.#state === "kept") this.end();
    else this.#giveUp();
  }

  /** Nobody is there to be answered, or everybody is. */
  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#waiting?.delete(this);
    this.#asked.subscription.close();
  }

  #take(items: readonly Item[], before: Cursor): void {
    if (this.#state === "ended") return;
    if (items.length > 0) this.#answer(this.encoding.encode(items, before));
    else if (this.#asked.plan.waitMs === 0) this.#giveUp();
    else if (this.#asked.hub.draining) this.#refuse();
    else this.#wait();
  }

  #wait(): void {
    const { hub, plan, subscription } = this.#asked;
    this.#waiting = WaitingList.of(hub, plan.waitMs);
    this.#waiting.add(this);
    this.#state = "waiting";
    subscription.begin(this);
  }

  #answer(frame: PollFrame): void {
    const { hub, subscription } = this.#asked;
    // Only who is live stands behind the frame; who was cut off by the limit stands in the middle of it.
    if (this.#reply.repeats && frame.isWhole && subscription.state === "live" && !hub.draining) {
      this.#state = "kept";
      this.#cursor = frame.cursor;
    } else this.end();
    this.#reply.send(frame);
  }

  /** Nobody waits for the end of a server. */
  #refuse(): void {
    this.end();
    this.#reply.refuse(new TailwireError("shutting_down", "the server is shutting down"));
  }

  /** There was nothing. */
  #giveUp(): void {
    const { plan, subscription } = this.#asked;
    this.#answer(
      plan.conditional
        ? nothingNew(this.#form, subscription.cursor)
        : makeFrame(this.#form, subscription.cursor, [], true),
    );
  }
}

function nothingNew(form: PollForm, at: Cursor): PollFrame {
  const cursor = formatCursor(at);
  return { status: 304, headers: headersOf(form, cursor), body: NO_BODY, cursor, isWhole: true, written: undefined };
}

const NO_BODY = Buffer.alloc(0);

/** Not to be stored: a cache that answered a 304 with its old body would hand out its events twice. */
function headersOf({ tagged }: PollForm, cursor: string): Record<string, string> {
  const tag: Record<string, string> = tagged ? { ETag: `"${cursor}"` } : {};
  return { "Cache-Control": "no-store", "Tailwire-Cursor": cursor, ...tag };
}
