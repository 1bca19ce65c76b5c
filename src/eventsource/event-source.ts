/** The interface of WHATWG HTML, 9.2.2, over the life of its connections. */

import { awakeClock } from "./awake-clock.ts";
import { defineHandlers } from "./handlers.ts";
import { type Lifecycle, type State, startLifecycle } from "./lifecycle.ts";
import { readFetch } from "./read-fetch.ts";
import { readXhr } from "./read-xhr.ts";

/** `withCredentials` is the standard's; the others are not. */
export interface EventSourceInit {
  /** Whether requests to another origin carry cookies (false). */
  readonly withCredentials?: boolean;
  /** Sent with each request, beside `Accept` and `Last-Event-ID`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Comes back after an answer 5xx too, ever less often and at random times, where the standard gives up (false). */
  readonly reconnectOnServerError?: boolean;
  /**
   * XMLHttpRequest keeps all its text. Past so many characters of it, after an event, the connection is made anew from
   * the last id, and nobody notices (1,048,576). Where the stream has no ids, as if the server had ended it.
   */
  readonly maxResponseBytes?: number;
}

export interface EventSourceEventMap {
  readonly open: Event;
  readonly message: MessageEvent;
  readonly error: Event;
}

type Listener = Parameters<EventTarget["addEventListener"]>[1];
type AddOptions = Parameters<EventTarget["addEventListener"]>[2];
type RemoveOptions = Parameters<EventTarget["removeEventListener"]>[2];
type Handler<T extends Event> = ((this: EventSource, event: T) => unknown) | null;

/** Receives the events of a stream, and comes back by itself when the connection is lost. */
export interface EventSource extends EventTarget {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  /** 0 while it connects or waits to, 1 while it receives, 2 when it has ended for good. */
  readonly readyState: number;
  /** Absolute. */
  readonly url: string;
  readonly withCredentials: boolean;
  onopen: Handler<Event>;
  onmessage: Handler<MessageEvent>;
  onerror: Handler<Event>;
  /** Ends it for good: nothing is dispatched after. */
  close(): void;
  addEventListener<K extends keyof EventSourceEventMap>(
    type: K,
    listener: (this: EventSource, event: EventSourceEventMap[K]) => unknown,
    options?: AddOptions,
  ): void;
  addEventListener(
    type: string,
    listener: (this: EventSource, event: MessageEvent) => unknown,
    options?: AddOptions,
  ): void;
  addEventListener(type: string, listener: Listener, options?: AddOptions): void;
  removeEventListener<K extends keyof EventSourceEventMap>(
    type: K,
    listener: (this: EventSource, event: EventSourceEventMap[K]) => unknown,
    options?: RemoveOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: (this: EventSource, event: MessageEvent) => unknown,
    options?: RemoveOptions,
  ): void;
  removeEventListener(type: string, listener: Listener, options?: RemoveOptions): void;
}

export interface EventSourceConstructor {
  readonly prototype: EventSource;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
  /**
   * Connects at once.
   * @param url in a page or worker, relative to it
   * @throws {DOMException} `SyntaxError` for a URL that does not parse
   * @throws {TypeError | DOMException} as XMLHttpRequest and fetch do, for headers that cannot be sent
   */
  new (url: string | URL, init?: EventSourceInit): EventSource;
}

const READY_STATES: Readonly<Record<State, number>> = { connecting: 0, open: 1, renewing: 1, closed: 2 };

interface Inner {
  readonly url: string;
  readonly withCredentials: boolean;
  readonly lifecycle: Lifecycle;
}

/** In place of private fields: translated for browsers of 2020, those take 100 bytes more, gzipped. */
const INNER = new WeakMap<object, Inner>();

/** What stands behind an object of this file; of any other, reading on throws a TypeError. */
const inner = (source: object) => INNER.get(source) as Inner;

// By the standard an EventSource is an EventTarget: hence the one inheritance.
class Source extends EventTarget implements EventSource {
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSED: 2;
  declare onopen: Handler<Event>;
  declare onmessage: Handler<MessageEvent>;
  declare onerror: Handler<Event>;
  declare readonly addEventListener: EventSource["addEventListener"];
  declare readonly removeEventListener: EventSource["removeEventListener"];

  constructor(address: string | URL, init: EventSourceInit | null = {}) {
    super();
    const url = resolve(`${address}`);
    const withCredentials = Boolean(init?.withCredentials);
    const lifecycle = startLifecycle({
      ...init,
      url,
      withCredentials,
      read: typeof XMLHttpRequest === "function" ? readXhr : readFetch,
      clock: awakeClock,
      fire: (type, message) => this.dispatchEvent(message ? new MessageEvent(type, message) : new Event(type)),
    });
    INNER.set(this, { url, withCredentials, lifecycle });
  }

  get url(): string {
    return inner(this).url;
  }

  get withCredentials(): boolean {
    return inner(this).withCredentials;
  }

  get readyState(): number {
    return READY_STATES[inner(this).lifecycle.state];
  }

  get [Symbol.toStringTag](): string {
    return "EventSource";
  }

  close(): void {
    inner(this).lifecycle.close();
  }
}

/** 9.2.2, steps 3 and 4, with the base URL of the page or worker, where there is one. */
function resolve(url: string): string {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch {
    throw new DOMException(`this is no URL: ${url}`, "SyntaxError");
  }
}

defineHandlers(Source.prototype, ["open", "message", "error"]);

// As Web IDL has it: constants on the interface and on its objects, and members that can be enumerated.
for (const holder of [Source, Source.prototype]) {
  for (const [value, name] of ["CONNECTING", "OPEN", "CLOSED"].entries()) {
    Object.defineProperty(holder, name, { value, enumerable: true });
  }
}
for (const name in Object.getOwnPropertyDescriptors(Source.prototype)) {
  if (name !== "constructor") Object.defineProperty(Source.prototype, name, { enumerable: true });
}

export const EventSource: EventSourceConstructor = Source as never;
