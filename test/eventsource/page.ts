/** What is loaded into a page or a worker: both EventSources, and the recorder. */

import { EventSource as OwnEventSource } from "../../src/eventsource/index.ts";
import { type Order, record } from "./record.ts";

export interface PageOrder extends Order {
  /** The browser's own instead. */
  readonly native?: boolean;
}

const run = (order: PageOrder) =>
  record(order.native === true ? (globalThis.EventSource as unknown as typeof OwnEventSource) : OwnEventSource, order);

/** What a page has besides, for tests that do more than record. */
export interface PageGlobals {
  readonly run: typeof run;
  readonly OwnEventSource: typeof OwnEventSource;
}

Object.assign(globalThis, { run, OwnEventSource } satisfies PageGlobals);

if (!("document" in globalThis)) {
  globalThis.addEventListener("message", (event: MessageEvent & { waitUntil?(work: Promise<void>): void }) => {
    const work = run(event.data).then((lines) => event.ports[0]?.postMessage(lines));
    event.waitUntil?.(work);
  });
}
