/** Writes down what an EventSource dispatches, in Node, in a page and in a worker alike. */

import type { EventSource, EventSourceConstructor, EventSourceInit } from "../../src/eventsource/index.ts";

export interface Order {
  readonly url: string;
  readonly init?: EventSourceInit;
  /** Types to listen to, beside `open`, `message`, `error` and `end`. */
  readonly types?: readonly string[];
  /** Closes after so many entries. */
  readonly entries?: number;
}

/**
 * One line for each event: its type and the state that it is dispatched in, and of a MessageEvent its data, last event
 * id and origin. Ends, and closes, with an event of type `end`, with an error that is final, or after so many entries.
 */
export function record(Source: EventSourceConstructor, order: Order): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    const source = new Source(order.url, order.init);
    const note = (event: Event) => {
      lines.push(line(source, event));
      const isOver = event.type === "end" || source.readyState === source.CLOSED || lines.length === order.entries;
      if (!isOver) return;
      source.close();
      resolve(lines);
    };
    for (const type of ["open", "message", "error", "end", ...(order.types ?? [])]) source.addEventListener(type, note);
  });
}

function line(source: EventSource, event: Event): string {
  const head = `${event.type} ${source.readyState}`;
  if (!(event instanceof MessageEvent)) return head;
  return `${head} ${JSON.stringify(event.data)} id=${event.lastEventId} ${event.origin}`;
}
