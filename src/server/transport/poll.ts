/**
 * `long-poll` and `poll`: one JSON body with what follows the client's cursor (PROTOCOL.md, "Polling"). A long
 * poll is a connection whose first write completes it; a poll does not wait for one. `jsonp` and `iframe-poll` are the
 * same in another form.
 */

import type { OutgoingHttpHeaders } from "node:http";
import { type Cursor, formatCursor } from "../../core/cursor.ts";
import { type Item, isGap, positionAfter } from "../../core/event.ts";
import type { Encoding, Sink } from "../../core/group.ts";
import type { MaybePromise } from "../../core/store.ts";
import { encodeItem } from "../../wire/message.ts";
import { whenGone } from "../turns.ts";
import type { Answer } from "./answer.ts";

/** A body, and the cursor that it ends at. */
interface PollFrame {
  readonly cursor: string;
  readonly body: Buffer;
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

const JSON_FORM: PollForm = {
  key: "poll",
  headers: { "Content-Type": "application/json" },
  tagged: true,
  message: (json) => json,
  body: (text) => `${text}\n`,
};

/** `long-poll` and `poll`. */
export function servePoll(answer: Answer): Promise<void> {
  return answerPoll(answer, JSON_FORM);
}

/** Answers with one body, in a form. */
export async function answerPoll(answer: Answer, form: PollForm): Promise<void> {
  const { req, res, plan, subscription } = answer;
  whenGone(req, res, () => subscription.close());
  const encoding = pollEncoding(plan.limit, form);
  const before = subscription.cursor;
  const read: MaybePromise<readonly Item[]> = subscription.read(plan.firstRead);
  const items = read instanceof Promise ? await read : read;
  if (res.destroyed) return;
  if (items.length > 0) send(answer, form, encoding.encode(items, before));
  else if (plan.waitMs === 0) sendNothing(answer, form);
  else new LongPoll(answer, form, encoding);
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
      return makeFrame(form, cursor, messages);
    },
  };
}

function makeFrame(form: PollForm, cursor: Cursor, messages: readonly string[]): PollFrame {
  const text = formatCursor(cursor);
  const body = form.body(`{"cursor":${JSON.stringify(text)},"events":[${messages.join(",")}]}`);
  return { cursor: text, body: Buffer.from(body) };
}

/** Waits for the first frame, the end of the wait, or the end of the hub. */
class LongPoll implements Sink<PollFrame> {
  readonly encoding: Encoding<PollFrame>;
  readonly halfFull = false;
  readonly #answer: Answer;
  readonly #form: PollForm;
  readonly #cleanUp: () => void;
  #state: "waiting" | "answered" = "waiting";

  constructor(answer: Answer, form: PollForm, encoding: Encoding<PollFrame>) {
    const { hub, req, res, plan, subscription } = answer;
    this.#answer = answer;
    this.#form = form;
    this.encoding = encoding;
    const cancel = hub.clock.after(plan.waitMs, () => this.#giveUp());
    const takeBack = hub.whenClosing(() => this.#giveUp());
    this.#cleanUp = () => {
      this.#state = "answered";
      cancel();
      takeBack();
    };
    whenGone(req, res, this.#cleanUp);
    subscription.begin(this);
  }

  write(frame: PollFrame): boolean {
    if (this.#state === "waiting") {
      this.#cleanUp();
      this.#answer.subscription.close();
      send(this.#answer, this.#form, frame);
    }
    return true;
  }

  fail(): void {
    this.#cleanUp();
    this.#answer.res.destroy();
  }

  #giveUp(): void {
    if (this.#state === "answered") return;
    this.#cleanUp();
    sendNothing(this.#answer, this.#form);
  }
}

function sendNothing(answer: Answer, form: PollForm): void {
  const { subscription, plan, res } = answer;
  const { cursor } = subscription;
  subscription.close();
  if (plan.conditional) res.writeHead(304, headersOf(form, formatCursor(cursor))).end();
  else send(answer, form, makeFrame(form, cursor, []));
}

function send({ res }: Answer, form: PollForm, { cursor, body }: PollFrame): void {
  const headers = { ...headersOf(form, cursor), ...form.headers, "Content-Length": body.byteLength };
  res.writeHead(200, headers).end(body);
}

/** Not to be stored: a cache that answered a 304 with its old body would hand out its events twice. */
function headersOf({ tagged }: PollForm, cursor: string): Record<string, string> {
  const tag: Record<string, string> = tagged ? { ETag: `"${cursor}"` } : {};
  return { "Cache-Control": "no-store", "Tailwire-Cursor": cursor, ...tag };
}
