/** An EventSource's life whose requests are answered by the test, on a clock moved by hand. */

import { type LifecycleOptions, startLifecycle } from "../../src/eventsource/lifecycle.ts";
import type { Read, ReadListener, ReadRequest } from "../../src/eventsource/read.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const URL_ = "https://example.com/events";

export type Life = ReturnType<typeof start>;

export function start(options: Partial<LifecycleOptions> = {}) {
  const clock = new ManualClock();
  const fired: string[] = [];
  const requests: { readonly request: ReadRequest; readonly listener: ReadListener; aborted: boolean }[] = [];
  const read: Read = (request, listener) => {
    const sent = { request, listener, aborted: false };
    requests.push(sent);
    return () => {
      sent.aborted = true;
    };
  };
  let onFire = (_: string) => {};
  const lifecycle = startLifecycle({
    url: URL_,
    withCredentials: false,
    read,
    clock,
    fire(type, message) {
      fired.push(message === undefined ? `${type} ${lifecycle.state}` : `${type}: ${message.data}`);
      onFire(type);
    },
    ...options,
  });
  const last = () => {
    const sent = requests.at(-1);
    if (sent === undefined) throw new Error("there was no request");
    return sent;
  };
  return {
    clock,
    lifecycle,
    requests,
    last,
    /** What was dispatched since this was last called, and in which state. */
    fired: () => fired.splice(0),
    set onFire(run: (type: string) => void) {
      onFire = run;
    },
    answer: (status = 200, contentType: string | null = "text/event-stream", url = URL_) =>
      last().listener.head(status, contentType, url),
    send: (text: string, held = 0) => last().listener.piece(text, held),
    lose: () => last().listener.end(),
    lastEventId: () => last().request.headers["last-event-id"],
  };
}
