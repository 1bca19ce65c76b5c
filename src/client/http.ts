/** One HTTP exchange, with the answer's text as it arrives. */

import { type ErrorCode, TailwireError } from "../core/errors.ts";
import { parseJson } from "../wire/message.ts";

export interface HttpRequest {
  readonly url: string;
  /** The media type that the answer has to be of. */
  readonly accept: string;
  readonly token: string | undefined;
  /** Whether cookies go to another origin, too. */
  readonly withCredentials: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly body?: string | Uint8Array;
}

/**
 * Called once, when the answer is whole, or will never be; not after the exchange was ended.
 * @param text what was not given piece by piece
 */
export type HttpDone = (error: TailwireError | undefined, text: string) => void;

/**
 * Sends a request.
 * @param take is given the text of an answer as asked for, piece by piece; cut anywhere but inside a character
 * @returns ends the exchange
 */
export type Exchange = (
  request: HttpRequest,
  take: ((piece: string) => void) | undefined,
  done: HttpDone,
) => () => void;

export const hasFetch = () => typeof fetch === "function" && typeof ReadableStream === "function";

/** Over fetch. */
export const overFetch: Exchange = (request, take, done) => {
  const aborter = new AbortController();
  const { url, body, withCredentials } = request;
  fetch(url, {
    ...(body === undefined ? {} : { method: "POST", body: body as BodyInit }),
    headers: headersOf(request),
    signal: aborter.signal,
    cache: "no-store",
    credentials: withCredentials ? "include" : "same-origin",
  })
    .then(async (response) => {
      const reader = response.body?.getReader();
      const decoder = new TextDecoder();
      const wrong = refusalOf(request, response.status, response.headers.get("content-type"));
      let text = "";
      for (;;) {
        const { done: ended, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (aborter.signal.aborted) return;
        if (ended) break;
        const piece = decoder.decode(value, { stream: true });
        if (take === undefined || wrong !== undefined) text += piece;
        else take(piece);
      }
      done(wrong?.(text), text);
    })
    .catch((error) => {
      if (aborter.signal.aborted) return;
      aborter.abort(); // it may have been what takes the text
      done(error instanceof TailwireError ? error : broken(error), "");
    });
  return () => aborter.abort();
};

export function headersOf({ accept, token, headers }: HttpRequest): Record<string, string> {
  return { Accept: accept, ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
}

/** The network failed. */
export function broken(cause: unknown): TailwireError {
  return new TailwireError("unreachable", String(cause), { cause });
}

/** What may be better next time: others would be the same again. */
const PASSING = /^(0|401|408|425|429|5..)$/;

/**
 * Whether an answer is another than was asked for.
 * @returns what its text, when it is whole, says of that
 */
export function refusalOf(
  { accept, body }: HttpRequest,
  status: number,
  contentType: string | null,
): ((text: string) => TailwireError) | undefined {
  if (status === (body === undefined ? 200 : 201) && contentType?.startsWith(accept)) return undefined;
  return (text) => {
    const { code, detail } = (parseJson(text) ?? {}) as { code?: unknown; detail?: unknown };
    if (PASSING.test(`${status}`)) return new TailwireError("unreachable", `${status} ${detail ?? ""}`);
    if (typeof code === "string") return new TailwireError(code as ErrorCode, `${detail}`);
    return new TailwireError("protocol_error", `the answer was ${status} ${contentType}`);
  };
}
