/** A client whose subscriptions are listed, and are handed events by the test. */

import type { Push, ReceivedEvent, ReceivedGap, SubscribeOptions } from "../../src/client/index.ts";

export interface Listed {
  readonly channel: string;
  readonly from: string | undefined;
  event(offset: number, data?: unknown): void;
  gap(gap: Partial<ReceivedGap>): void;
}

export interface ListedPush {
  readonly push: Push;
  /** Those that were not ended. */
  readonly open: readonly Listed[];
  /** How many there have been. */
  readonly begun: number;
}

export function listedPush(): ListedPush {
  const open = new Set<Listed>();
  let begun = 0;
  const subscribe = (channel: string, onEvent: (event: ReceivedEvent) => void, options: SubscribeOptions = {}) => {
    const listed: Listed = {
      channel,
      from: options.from,
      event(offset, data = offset) {
        const result = options.schema?.["~standard"].validate(data) ?? { value: data };
        const hand = (value: unknown) =>
          onEvent({ id: `e:${offset}`, channel, type: "message", time: 0, data: value as never });
        if (result instanceof Promise) void result.then((late) => late.issues ?? hand(late.value));
        else if (result.issues === undefined) hand(result.value);
      },
      gap: (gap) =>
        options.onGap?.({ type: "$gap", channel, after: "e:0", next: "e:0", lost: 1, reason: "trimmed", ...gap }),
    };
    open.add(listed);
    begun += 1;
    return () => void open.delete(listed);
  };
  return {
    push: {
      subscribe: subscribe as Push["subscribe"],
      events: () => never(),
      publish: () => never(),
      on: () => never(),
      close: () => never(),
      state: "closed",
      transport: undefined,
    },
    get open() {
      return [...open];
    },
    get begun() {
      return begun;
    },
  };
}

function never(): never {
  throw new Error("this test has no use for it");
}
