/** One HTTP exchange, with the answer's text as it arrives. */

import { type ErrorCode, TailwireError } from "../core/errors.ts";

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether cookies go to another origin, too. */
  readonly withCredentials: boolean;
  /** Makes it a POST. */
  readonly body?: string | Uint8Array;
}

export interface HttpListener {
  head(status: number, contentType: string): void;
  /** The next piece of the body, cut anywhere but inside a character. */
  text(piece: string): void;
  /** The body is whole; with an error it is not. Nothing comes after it, nor after the exchange was ended. */
  end(error?: unknown): void;
}

/** Sends a request; returns what ends the exchange. */
export type Exchange = (request: HttpRequest, listener: HttpListener) => () => void;

/** Over fetch. */
export const overFetch: Exchange = ({ url, headers, withCredentials, body }, listener) => {
  const aborter = new AbortController();
  const { signal } = aborter;
  const method = body === undefined ? {} : { method: "POST", body: body as BodyInit };
  const credentials = withCredentials ? "include" : "same-origin";
  fetch(url, { ...method, headers, signal, cache: "no-store", credentials })
    .then((response) => read(response, listener, signal))
    .catch((error) => signal.aborted || listener.end(error));
  return () => aborter.abort();
};

async function read({ status, headers, body }: Response, listener: HttpListener, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  listener.head(status, headers.get("content-type") ?? "");
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (signal.aborted) return;
    if (done) break;
    listener.text(decoder.decode(value, { stream: true }));
  }
  listener.end();
}

export const hasFetch = () => typeof fetch === "function" && typeof ReadableStream === "function";

/** A short answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Collects an answer. `done` is called once; with an error where there is none. Returns what ends the exchange. */
export function collect(request: HttpRequest, done: (answer: HttpAnswer | TailwireError) => void): () => void {
  let answer: HttpAnswer = { status: 0, contentType: "", text: "" };
  return overFetch(request, {
    head(status, contentType) {
      answer = { status, contentType, text: "" };
    },
    text(piece) {
      answer = { ...answer, text: answer.text + piece };
    },
    end: (error) => done(error === undefined ? answer : broken(error)),
  });
}

/** The network failed. */
export function broken(cause: unknown): TailwireError {
  return new TailwireError("unreachable", cause instanceof Error ? cause.message : String(cause), { cause });
}

/** Passing, by what HTTP says of it: others would be the same again. */
const PASSING = /^(0|401|408|425|429|5\d\d)$/;

/** What an answer that is none of the protocol's own says. */
export function refusal({ status, contentType, text }: HttpAnswer): TailwireError {
  try {
    const { code, detail } = JSON.parse(text);
    if (typeof code === "string") return new TailwireError(code as ErrorCode, String(detail));
  } catch {} // not a server of ours, or a proxy before it
  const code = PASSING.test(String(status)) ? "unreachable" : "protocol_error";
  return new TailwireError(code, `the answer was ${status} ${contentType}`);
}
