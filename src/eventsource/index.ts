/** `tailwire/eventsource`: the EventSource of the WHATWG HTML standard, for where there is none, and with headers. */

export {
  EventSource,
  type EventSourceConstructor,
  type EventSourceEventMap,
  type EventSourceInit,
} from "./event-source.ts";
