/**
 * `jsonp`: long polls by `<script>`, for a server on another origin that knows nothing of CORS. The server's answer runs
 * as a script of this page, so it has to be trusted; the server has this off by default.
 */

import { TailwireError } from "../../core/errors.ts";
import type { AckMessage } from "../../wire/message.ts";
import { address, subscribeUrl } from "../address.ts";
import type { LinkRequest, PublishOp, Settle, Transport } from "../link.ts";
import { addFrame } from "./frame.ts";
import { openPolling, type PollingOptions } from "./polling.ts";

const CALLBACK = "tailwire";

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

/** What a server takes in a URL, as UTF-8. */
const MAX_PUBLISH_BYTES = 4096;

function publish({ base, token }: LinkRequest, { op: _, channel, data, ...rest }: PublishOp, settle: Settle): void {
  // A script that is refused does not tell why, and would be tried again.
  if (new TextEncoder().encode(JSON.stringify(data)).length > MAX_PUBLISH_BYTES) {
    settle(new TailwireError("event_too_large", `over jsonp an event has at most ${MAX_PUBLISH_BYTES} bytes`));
    return;
  }
  load(
    (callback) => address(base, channel, { publish: JSON.stringify(data), callback, token, ...rest }),
    (answer) => settle(answer as AckMessage | TailwireError),
  );
}

/**
 * Runs a script that calls back; returns what gives it up. It runs in an empty frame of its own: a browser ends a
 * script's request only with its document, and each of those that wait is one of six connections.
 */
function load(url: (callback: string) => string, done: (body: unknown) => void): () => void {
  const frame = document.createElement("iframe");
  const settle = (body: unknown) => {
    remove();
    done(body);
  };
  const remove = addFrame(frame, () => run(frame, url(CALLBACK), settle));
  return remove;
}

function run(frame: HTMLIFrameElement, url: string, settle: (body: unknown) => void): void {
  const page = frame.contentWindow as unknown as Record<string, unknown>;
  const inside = frame.contentDocument as Document;
  // Some browsers would put another empty document into the frame a moment later.
  inside.open();
  inside.close();
  const script = inside.createElement("script");
  page[CALLBACK] = (body: unknown) => settle(copyOf(body));
  script.onload = () =>
    frame.isConnected && settle(new TailwireError("protocol_error", "the script did not call back"));
  script.onerror = () => settle(new TailwireError("unreachable", "the script could not be loaded"));
  script.src = url;
  inside.body.append(script);
}

/** So that what the application gets is of this page's own classes; what is nested too deep stays of the frame's. */
function copyOf(body: unknown): unknown {
  try {
    return structuredClone(body);
  } catch {
    return body;
  }
}
