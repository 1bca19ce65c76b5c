/** `long-poll` and `poll`: one JSON body an answer. */

import { parseJson } from "../../wire/message.ts";
import { subscribeUrl } from "../address.ts";
import { hasFetch, overFetch } from "../http.ts";
import type { Transport, TransportName } from "../link.ts";
import { openPolling, type PollingOptions } from "./polling.ts";

const REST_MS = 2000;

export const longPoll = make("long-poll", 0);
export const poll = make("poll", REST_MS);

function make(name: TransportName, restMs: number): Transport {
  return {
    name,
    available: hasFetch,
    open(request, listener) {
      const { base, token, withCredentials } = request;
      const ask: PollingOptions["ask"] = (channels, wait, done) => {
        const url = subscribeUrl({ base, channels }, { wait });
        let body = "";
        const take = (piece: string) => {
          body += piece;
          listener.heard();
        };
        return overFetch({ url, accept: "application/json", token, withCredentials }, take, (error) =>
          done(error ?? parseJson(body)),
        );
      };
      return openPolling({ name, restMs, ask }, request, listener);
    },
  };
}
