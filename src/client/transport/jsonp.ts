/**
 * `jsonp`: long polls by `<script>`, for a server on another origin that knows nothing of CORS. The server's answer runs
 * as a script of this page, so it has to be trusted; the server has this off by default.
 */

import { TailwireError } from "../../core/errors.ts";
import type { AckMessage } from "../../wire/message.ts";
import { address, subscribeUrl } from "../address.ts";
import type { LinkRequest, PublishOp, Settle, Transport } from "../link.ts";
import { openPolling, type PollingOptions } from "./polling.ts";

export const jsonp: Transport = {
  name: "jsonp",
  available: () => typeof document === "object",
  open(request, listener) {
    const { base, token } = request;
    const ask: PollingOptions["ask"] = (channels, wait, done) =>
      load((callback) => subscribeUrl({ base, channels }, { wait, callback, token }), done);
    const link = openPolling({ name: "jsonp", restMs: 0, ask }, request, listener);
    return { ...link, publish: (op, settle) => publish(request, op, settle) };
  },
};

function publish({ base, token }: LinkRequest, { op: _, channel, data, ...rest }: PublishOp, settle: Settle): void {
  load(
    (callback) => address(base, channel, { publish: JSON.stringify(data), callback, token, ...rest }),
    (answer) => settle(answer as AckMessage | TailwireError),
  );
}

let calls = 0;

/** Runs a script that calls back; returns what gives it up. */
function load(url: (callback: string) => string, done: (body: unknown) => void): () => void {
  const page = globalThis as unknown as Record<string, unknown>;
  const callback = `tailwire_${++calls}`;
  const script = document.createElement("script");
  const end = () => {
    script.onload = script.onerror = null;
    script.remove();
    // A script under way runs all the same; what it calls has to be there.
    page[callback] = () => delete page[callback];
  };
  const settle = (body: unknown) => {
    end();
    delete page[callback];
    done(body);
  };
  page[callback] = settle;
  script.onload = () => settle(new TailwireError("protocol_error", "the script did not call back"));
  script.onerror = () => settle(new TailwireError("unreachable", "the script could not be loaded"));
  script.src = url(callback);
  document.head.append(script);
  return end;
}
