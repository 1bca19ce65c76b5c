/** An endless HTTP answer as a link: what SSE, fetch and XHR streams share. */

import { TailwireError } from "../../core/errors.ts";
import { broken, type Exchange, type HttpAnswer, refusal } from "../http.ts";
import type { Link, LinkListener, LinkRequest } from "../link.ts";
import { PROBE_MS } from "../race.ts";
import { authorization, subscribeUrl } from "./address.ts";
import { oneByOne } from "./messages.ts";

/** Reads the text of one answer. */
export interface TextReader {
  push(piece: string): void;
  /** Whether nothing is half read. */
  readonly whole: boolean;
}

export interface EndlessOptions {
  readonly exchange: Exchange;
  readonly accept: string;
  /** Calls back with each message's text. */
  read(message: (json: string) => void): TextReader;
  /** Text past which the answer is given up for a new one, where what carries it keeps it all. */
  readonly maxResponseChars?: number;
}

/** What is read at most of an answer that refuses. */
const MAX_REFUSAL_CHARS = 10_000;

export function openEndless(options: EndlessOptions, request: LinkRequest, listener: LinkListener): Link {
  const { accept, maxResponseChars = Number.POSITIVE_INFINITY } = options;
  let answer: HttpAnswer = { status: 0, contentType: "", text: "" };
  let accepted = false;
  let chars = 0;
  const tell = oneByOne(listener);
  const reader = options.read(tell);
  const fail = (error: TailwireError) => {
    end();
    listener.ended(error);
  };
  const end = options.exchange(
    {
      url: subscribeUrl(request, { format: accept === "text/event-stream" ? "envelope" : undefined, probe: PROBE_S }),
      headers: { Accept: accept, ...authorization(request.token) },
      withCredentials: request.withCredentials,
    },
    {
      head(status, contentType) {
        answer = { status, contentType, text: "" };
        accepted = status === 200 && contentType.startsWith(accept);
      },
      text(piece) {
        if (!accepted) {
          answer = { ...answer, text: answer.text + piece };
          if (answer.text.length > MAX_REFUSAL_CHARS) fail(refusal(answer));
          return;
        }
        try {
          reader.push(piece);
        } catch (error) {
          return fail(error as TailwireError);
        }
        const before = chars;
        chars += piece.length;
        if (before <= maxResponseChars && chars > maxResponseChars) listener.message(FULL);
      },
      end(error) {
        if (error !== undefined) fail(broken(error));
        else if (!accepted) fail(refusal(answer));
        else if (reader.whole) fail(broken("the answer ended"));
        else fail(new TailwireError("protocol_error", "the answer ended inside a message"));
      },
    },
  );
  return { close: end };
}

const PROBE_S = String(PROBE_MS / 1000);

/** Asks to come back at once, as the server's own `$close` would. */
const FULL = { type: "$close", code: 1013, reason: "the answer has become long", reconnectMs: 0 } as const;
