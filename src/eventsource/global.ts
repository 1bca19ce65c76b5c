/**
 * `tailwire/eventsource/global`: makes {@link EventSource} the global one where there is none. A native one stays: it
 * opens sooner and keeps nothing of what it has read. Whoever wants `headers` takes `tailwire/eventsource` by name.
 */

import { EventSource } from "./event-source.ts";

if (typeof globalThis.EventSource !== "function") {
  // As Web IDL defines what an interface is on its global object: not enumerable.
  Object.defineProperty(globalThis, "EventSource", { value: EventSource, writable: true, configurable: true });
}
