/** A client whose events, gaps, states and errors are written down. Runs in a page and in Node alike. */

import {
  type ConnectOptions,
  connect,
  type Published,
  type PublishOptions,
  type Push,
} from "../../../src/client/index.ts";

/** What a client told, as it can be sent from a page to the test. */
export type Told =
  | {
      readonly kind: "event";
      readonly channel: string;
      readonly id: string;
      readonly type: string;
      readonly key?: string;
      /** Binary is `{ bytes: [1, 2, 3] }`. */
      readonly data: unknown;
    }
  | {
      readonly kind: "gap";
      readonly channel: string;
      readonly after: string;
      readonly next: string;
      readonly lost: number | null;
      readonly reason: string;
    }
  | { readonly kind: "state"; readonly state: string; readonly transport?: string; readonly code?: string }
  | { readonly kind: "error"; readonly code: string | undefined; readonly detail: string };

export interface Recorder {
  readonly push: Push;
  /** Subscribes; once more to the same channel is a subscription of its own. */
  subscribe(channel: string, from?: string): void;
  /** Ends all its subscriptions to a channel. */
  unsubscribe(channel: string): void;
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<Published>;
}

export function record(url: string, options: ConnectOptions, note: (told: Told) => void): Recorder {
  const stops = new Map<string, (() => void)[]>();
  const push = connect(url, {
    onError(error) {
      const { code, message } = error as { code?: string; message?: string };
      note({ kind: "error", code, detail: message ?? String(error) });
    },
    ...options,
  });
  push.on("state", (state, reason) => {
    const transport = push.transport === undefined ? {} : { transport: push.transport };
    note({ kind: "state", state, ...transport, ...(reason === undefined ? {} : { code: reason.code }) });
  });
  return {
    push,
    subscribe(channel, from = "now") {
      const stop = push.subscribe(
        channel,
        ({ time: _, data, ...event }) =>
          note({ kind: "event", ...event, data: data instanceof Uint8Array ? { bytes: [...data] } : data }),
        { from, onGap: ({ type: _, ...gap }) => note({ kind: "gap", ...gap }) },
      );
      stops.set(channel, [...(stops.get(channel) ?? []), stop]);
    },
    unsubscribe(channel) {
      for (const stop of stops.get(channel) ?? []) stop();
      stops.delete(channel);
    },
    publish: (channel, data, more) => push.publish(channel, data, more),
  };
}
