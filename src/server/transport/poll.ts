/**
 * `long-poll` and `poll`: one JSON body with what follows the client's cursor (PROTOCOL.md, "Polling"). A long
 * poll is a connection whose first write completes it; a poll does not wait for one.
 */

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

export async function servePoll(answer: Answer): Promise<void> {
  const { req, res, plan, subscription } = answer;
  whenGone(req, res, () => subscription.close());
  const encoding = pollEncoding(plan.limit);
  const before = subscription.cursor;
  const read: MaybePromise<readonly Item[]> = subscription.read(plan.firstRead);
  const items = read instanceof Promise ? await read : read;
  if (res.destroyed) return;
  if (items.length > 0) send(answer, encoding.encode(items, before));
  else if (plan.waitMs === 0) sendNothing(answer);
  else new LongPoll(answer, encoding);
}

/** The first `limit` events of a flush as a whole body. */
export function pollEncoding(limit: number): Encoding<PollFrame> {
  return {
    key: `poll ${limit}`,
    carriesCursor: true,
    encode(items, before) {
      const cursor = new Map(before);
      const messages: string[] = [];
      let events = 0;
      for (const item of items) {
        if (!isGap(item) && ++events > limit) break;
        messages.push(encodeItem(item));
        cursor.set(item.channel, positionAfter(item));
      }
      return frame(cursor, messages);
    },
  };
}

function frame(cursor: Cursor, messages: readonly string[]): PollFrame {
  const text = formatCursor(cursor);
  return { cursor: text, body: Buffer.from(`{"cursor":${JSON.stringify(text)},"events":[${messages.join(",")}]}\n`) };
}

/** Waits for the first frame, the end of the wait, or the end of the hub. */
class LongPoll implements Sink<PollFrame> {
  readonly encoding: Encoding<PollFrame>;
  readonly halfFull = false;
  readonly #answer: Answer;
  readonly #cleanUp: () => void;
  #state: "waiting" | "answered" = "waiting";

  constructor(answer: Answer, encoding: Encoding<PollFrame>) {
    const { hub, req, res, plan, subscription } = answer;
    this.#answer = answer;
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
      send(this.#answer, frame);
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
    sendNothing(this.#answer);
  }
}

function sendNothing(answer: Answer): void {
  const { subscription, plan, res } = answer;
  const { cursor } = subscription;
  subscription.close();
  if (plan.conditional) res.writeHead(304, headersOf(formatCursor(cursor))).end();
  else send(answer, frame(cursor, []));
}

function send({ res }: Answer, { cursor, body }: PollFrame): void {
  const headers = { ...headersOf(cursor), "Content-Type": "application/json", "Content-Length": body.byteLength };
  res.writeHead(200, headers).end(body);
}

/** Not to be stored: a cache that answered a 304 with its old body would hand out its events twice. */
function headersOf(cursor: string): Record<string, string> {
  return { "Cache-Control": "no-store", "Tailwire-Cursor": cursor, ETag: `"${cursor}"` };
}
