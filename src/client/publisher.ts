/**
 * Publishing, in order. Over a link that publishes (WebSocket) many are under way at once; otherwise one request
 * follows the other. What was not acknowledged when a link ended is sent again; its idempotency key makes sure that
 * it is there once.
 */

import { type Cancel, newEpoch } from "../core/clock.ts";
import { TailwireError } from "../core/errors.ts";
import { type AckMessage, fromBase64, parseJson, toBase64 } from "../wire/message.ts";
import { address } from "./address.ts";
import { backoffMs, type ClientClock } from "./backoff.ts";
import { broken, type HttpDone, overFetch } from "./http.ts";
import type { Link, PublishOp, Settle } from "./link.ts";

export interface PublishOptions {
  /** The event's type; `message` where it is left out. */
  readonly type?: string;
  readonly key?: string;
  /** Names the event for whoever publishes it again; drawn where it is left out. */
  readonly idempotencyKey?: string;
}

/** An event is in its channel's log. */
export interface Published {
  readonly id: string;
  readonly channel: string;
}

export interface Publisher {
  publish(channel: string, data: unknown, options: PublishOptions): Promise<Published>;
  /** The link may be another. */
  linkChanged(): void;
  close(): void;
}

interface PublisherOptions {
  readonly base: string;
  readonly withCredentials: boolean;
  readonly token: () => string | undefined | Promise<string | undefined>;
  readonly clock: ClientClock;
  /** How the link in use publishes, where it can. */
  linkPublish(): Link["publish"];
  /** No answer came: the link should be looked after. */
  doubt(): void;
}

/** How long an event is tried, in milliseconds. */
const MAX_TRY_MS = 30_000;
/** How long one attempt may take. */
const ANSWER_MS = 10_000;

interface Entry {
  readonly op: PublishOp;
  readonly until: number;
  sent: boolean;
  /** Ends the attempt under way. */
  stop: Cancel;
  settle(outcome: Published | TailwireError): void;
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { clock } = options;
  let entries: readonly Entry[] = [];
  let posting = false;
  let attempt = 0;
  let timer: Cancel | undefined;

  function pump(): void {
    const over = options.linkPublish();
    if (timer !== undefined || posting) return;
    for (const entry of over === undefined ? entries.slice(0, 1) : entries) {
      if (!entry.sent) send(entry, over);
    }
  }

  function send(entry: Entry, over: Link["publish"]): void {
    entry.sent = true;
    posting = over === undefined;
    let waits = true;
    const settle: Settle = (answer) => {
      if (!waits) return;
      waits = false;
      entry.stop();
      if (over === undefined) posting = false;
      entry.sent = false;
      take(entry, answer);
    };
    const cancel = clock.after(ANSWER_MS, () => {
      options.doubt();
      settle(new TailwireError("unreachable", "no answer"));
    });
    let end = () => {};
    entry.stop = () => {
      cancel();
      end();
    };
    if (over === undefined) end = post(entry.op, options, settle);
    else over(entry.op, settle);
  }

  function take(entry: Entry, answer: Parameters<Settle>[0]): void {
    if (!(answer instanceof TailwireError)) finish(entry, { id: answer.id ?? "", channel: entry.op.channel });
    else if (answer.code === "unreachable") {
      for (const each of entries) if (each.until <= clock.now()) finish(each, answer);
      timer ??= clock.after(backoffMs(attempt++, clock.random()), () => {
        timer = undefined;
        pump();
      });
      return;
    } else finish(entry, answer);
    attempt = 0;
    pump();
  }

  function finish(entry: Entry, outcome: Published | TailwireError): void {
    entries = entries.filter((each) => each !== entry);
    entry.stop();
    entry.settle(outcome);
  }

  return {
    publish(channel, data, { idempotencyKey = newEpoch(clock) + newEpoch(clock), ...rest }) {
      return new Promise((resolve, reject) => {
        const op = { op: "publish", channel, ...rest, idempotencyKey, ...payload(data) } as const;
        const settle = (outcome: Published | TailwireError) =>
          outcome instanceof TailwireError ? reject(outcome) : resolve(outcome);
        entries = [...entries, { op, until: clock.now() + MAX_TRY_MS, sent: false, stop() {}, settle }];
        pump();
      });
    },
    linkChanged: pump,
    close() {
      timer?.();
      for (const entry of entries) finish(entry, new TailwireError("unreachable", "the client was closed"));
    },
  };
}

/** @throws {TailwireError} `invalid_data` where JSON cannot hold it */
function payload(data: unknown): Pick<PublishOp, "data" | "encoding"> {
  if (data instanceof Uint8Array) return { data: toBase64(data), encoding: "base64" };
  if (JSON.stringify(data) === undefined) throw new TailwireError("invalid_data", `a ${typeof data} is not JSON`);
  return { data };
}

function post(op: PublishOp, { base, withCredentials, token }: PublisherOptions, settle: Settle): Cancel {
  const { channel, data, encoding, type, key, idempotencyKey } = op;
  const [mediaType, body] = encode(data, encoding);
  const url = address(base, channel, { type, key });
  const headers = { "Content-Type": mediaType, "Idempotency-Key": idempotencyKey };
  const done: HttpDone = (error, text) => settle(error ?? (parseJson(text) as AckMessage));
  let ended = false;
  let end = () => {
    ended = true;
  };
  Promise.resolve()
    .then(token)
    .then(
      (proof) => {
        const request = { url, accept: "application/json", token: proof, headers, body, withCredentials };
        if (!ended) end = overFetch(request, undefined, done);
      },
      (error) => settle(broken(error)),
    );
  return () => end();
}

function encode(data: unknown, encoding: PublishOp["encoding"]): [string, string | Uint8Array] {
  if (encoding !== undefined) return ["application/octet-stream", fromBase64(data as string) as Uint8Array];
  return typeof data === "string" ? ["text/plain", data] : ["application/json", JSON.stringify(data)];
}
