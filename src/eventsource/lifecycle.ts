/**
 * The life of an EventSource (WHATWG HTML, 9.2.3), over connections that come and go:
 *
 *     connecting ──▶ open                 the answer is an event stream
 *     open ──▶ renewing ──▶ open          its text grew too long: asked for anew at once, and nobody notices
 *     any ──▶ connecting                  lost: an error is dispatched, and after a while it connects again
 *     any ──▶ closed                      refused, with an error; or closed from outside
 */

import type { Clock } from "../core/clock.ts";
import { createSseParser, type SseParser } from "../wire/sse.ts";
import type { Read } from "./read.ts";

export type State = "connecting" | "open" | "renewing" | "closed";

export interface LifecycleOptions {
  readonly url: string;
  readonly withCredentials: boolean;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether an answer 5xx is a reason to come back, and not to give up (false). */
  readonly reconnectOnServerError?: boolean | undefined;
  /** How much text a reader may hold before the connection is made anew (1 MiB). */
  readonly maxResponseBytes?: number | undefined;
  readonly read: Read;
  readonly clock: Clock;
  /** Dispatches an `Event`, or a `MessageEvent` where there is more to it. When it is called the state is the new one. */
  readonly fire: (type: string, message?: Message) => void;
}

interface Message {
  readonly data: string;
  readonly origin: string;
  readonly lastEventId: string;
}

export interface Lifecycle {
  readonly state: State;
  close(): void;
}

/** What native ones wait for, as long as the stream says nothing else. */
const RECONNECTION_MS = 3_000;
/** What is waited beyond that after a 5xx, at random up to a ceiling that doubles. */
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;
/** A timer of more would be over at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_RESPONSE_BYTES = 1024 * 1024;

/**
 * Connects at once.
 * @throws what the reader throws for a request that cannot be sent
 */
export function startLifecycle(options: LifecycleOptions): Lifecycle {
  const { url, read, clock, fire, maxResponseBytes = MAX_RESPONSE_BYTES } = options;
  let state: State = "connecting";
  /** Ends what is under way, a request or a wait. */
  let stop: () => void;
  let parser: SseParser | undefined;
  let reconnectionMs = RECONNECTION_MS;
  let serverErrors = 0;
  connect();

  function connect(): void {
    const id = parser?.lastEventId ?? "";
    let dispatched = false;
    stop = read(
      { ...options, headers: requestHeaders(options.headers, id) },
      {
        head(status, contentType, finalUrl) {
          if (status === 200 && isEventStream(contentType)) announce(new URL(finalUrl || url).origin);
          else if (options.reconnectOnServerError && status >= 500) {
            reestablish(clock.random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** serverErrors++));
          } else fail();
        },
        piece(piece, held) {
          dispatched = false;
          parser?.push(piece);
          if (state !== "open" || !dispatched || !(held > maxResponseBytes)) return;
          // Without a new id, to come back at once could go on for ever: that is a connection lost like any other.
          if (parser?.lastEventId === id) reestablish();
          else renew();
        },
        end() {
          // "Unless the user agent knows that to be futile": no answer came, and none will from where HTTP is not spoken.
          if (state === "connecting" && !url.startsWith("http")) fail();
          else reestablish();
        },
        aborted: fail,
      },
    );

    function announce(origin: string): void {
      // By the standard's letter the id begins anew with each stream; by its note, and in every browser, it stays.
      parser = createSseParser({
        lastEventId: id,
        onEvent({ type, data, lastEventId }) {
          dispatched = true;
          if (state === "open") fire(type, { data, origin, lastEventId });
        },
        onRetry(ms) {
          reconnectionMs = ms;
        },
      });
      const renewed = state === "renewing";
      state = "open";
      serverErrors = 0;
      if (!renewed) fire("open");
    }
  }

  function renew(): void {
    stop();
    state = "renewing";
    connect();
  }

  /** "Optionally, wait some more." */
  function reestablish(moreMs = 0): void {
    stop();
    state = "connecting";
    stop = clock.after(Math.min(reconnectionMs + moreMs, MAX_TIMER_MS), connect);
    fire("error");
  }

  function fail(): void {
    close();
    fire("error");
  }

  function close(): void {
    stop();
    state = "closed";
  }

  return {
    get state() {
      return state;
    },
    close,
  };
}

function requestHeaders(own: LifecycleOptions["headers"], lastEventId: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  for (const name in own) headers[name.toLowerCase()] = own[name] as string; // the last one named so counts
  if (lastEventId !== "") headers["last-event-id"] = toByteString(lastEventId);
  return headers;
}

/** UTF-8, a character for each byte: so XMLHttpRequest and fetch take a header's value. */
function toByteString(text: string): string {
  return unescape(encodeURIComponent(text)); // any other way takes 30 bytes more, gzipped
}

/** Of several, the last counts. */
function isEventStream(contentType: string | null): boolean {
  return /(^|,)\s*text\/event-stream\s*(;[^,]*)?$/i.test(contentType ?? "");
}
