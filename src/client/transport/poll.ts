/** `long-poll` and `poll`: one JSON body an answer. */

import { TailwireError } from "../../core/errors.ts";
import { collect, hasFetch, refusal } from "../http.ts";
import type { LinkRequest, Transport, TransportName } from "../link.ts";
import { authorization, subscribeUrl } from "./address.ts";
import { openPolling, type PollingOptions } from "./polling.ts";

/** Well below the minute after which proxies cut a silent connection. */
const WAIT_S = 25;
const REST_MS = 2000;

export const longPoll = make("long-poll", { waitS: WAIT_S, restMs: 0 });
export const poll = make("poll", { waitS: 0, restMs: REST_MS });

function make(name: TransportName, times: Pick<PollingOptions, "waitS" | "restMs">): Transport {
  return {
    name,
    available: hasFetch,
    open: (request, listener) =>
      openPolling({ name, ...times, ask: (...question) => ask(request, ...question) }, request, listener),
  };
}

function ask(
  request: LinkRequest,
  channels: ReadonlyMap<string, string>,
  waitS: number,
  done: (body: unknown) => void,
): () => void {
  const url = subscribeUrl({ base: request.base, channels }, { wait: String(waitS) });
  const headers = { Accept: "application/json", ...authorization(request.token) };
  return collect({ url, headers, withCredentials: request.withCredentials }, (answer) => {
    if (answer instanceof TailwireError) done(answer);
    else if (answer.status === 200) done(parse(answer.text));
    else done(refusal(answer));
  });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
