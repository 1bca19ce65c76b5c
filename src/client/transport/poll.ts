/** `long-poll` and `poll`: one JSON body an answer. */

import { TailwireError } from "../../core/errors.ts";
import { parseJson } from "../../wire/message.ts";
import { subscribeUrl } from "../address.ts";
import { hasFetch, overFetch } from "../http.ts";
import type { Transport, TransportName } from "../link.ts";
import { openPolling, type PollingOptions } from "./polling.ts";

const REST_MS = 2000;
/** The longest answer, in UTF-16 units. */
const MAX_BODY_CHARS = 64 * 1024 * 1024;
/** The most events of one answer. */
const MAX_LIMIT = 1000;

export const longPoll = make("long-poll", 0);
export const poll = make("poll", REST_MS);

function make(name: TransportName, restMs: number): Transport {
  // An answer is all or nothing: where lines are cut after so many bytes, one of fewer events may come through.
  let limit = MAX_LIMIT;
  return {
    name,
    available: hasFetch,
    open(request, listener) {
      const { base, token, withCredentials } = request;
      const ask: PollingOptions["ask"] = (channels, wait, done) => {
        const asked = limit;
        const url = subscribeUrl({ base, channels }, { wait, limit: `${asked}` });
        let body = "";
        const take = (piece: string) => {
          body += piece;
          listener.heard();
          if (body.length > MAX_BODY_CHARS) throw new TailwireError("protocol_error", "the answer has no end");
        };
        return overFetch({ url, accept: "application/json", token, withCredentials }, take, (error) => {
          limit = error === undefined ? Math.min(2 * limit, MAX_LIMIT) : Math.ceil(limit / 4);
          done(error ?? parseJson(body), asked);
        });
      };
      return openPolling({ name, restMs, ask }, request, listener);
    },
  };
}
