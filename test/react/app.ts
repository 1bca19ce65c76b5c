/** What the tests of React render, in a browser and on a server: rooms that show a channel each. */

import { createElement as h, type ReactNode, StrictMode, useEffect } from "react";
import type { Push, ReceivedEvent } from "../../src/client/index.ts";
import { PushProvider, useChannel, useConnectionState, usePush } from "../../src/react/index.ts";

export interface RoomProps {
  readonly id: string;
  readonly channel: string | null;
  readonly from?: string;
  readonly maxEvents?: number;
  /** Whether its schema takes its time. */
  readonly slow?: boolean;
}

/** What happened in each room, by its id. */
export interface Notes {
  readonly renders: Record<string, number>;
  readonly heard: Record<string, string[]>;
}

export interface AppProps {
  readonly push: Push;
  readonly notes: Notes;
  readonly rooms: readonly RoomProps[];
}

export function App({ push, notes, rooms }: AppProps): ReactNode {
  return h(
    StrictMode,
    null,
    h(
      PushProvider,
      { push },
      h(Connection),
      rooms.map((room) => h(Room, { key: room.id, notes, ...room })),
    ),
  );
}

function Connection(): ReactNode {
  const { state, transport, reason } = useConnectionState();
  return h("output", null, [state, transport, reason?.code].filter(Boolean).join(" "));
}

/** All that it gives to its hooks is made anew at each render. */
export function Room({ id, channel, from, maxEvents, slow, notes }: RoomProps & { readonly notes: Notes }): ReactNode {
  const push = usePush();
  const { items, events, last, gap } = useChannel(channel, {
    from,
    maxEvents,
    schema: slow ? { "~standard": { validate: async (value: unknown) => ({ value }) } } : undefined,
    onEvent: (event) => {
      notes.heard[id] = [...(notes.heard[id] ?? []), textOf(event)];
    },
  });
  useEffect(() => {
    notes.renders[id] = (notes.renders[id] ?? 0) + 1;
  });
  return h(
    "section",
    { id, "data-count": events.length, "data-gap": gap?.lost },
    h("h2", null, channel),
    h(
      "ol",
      null,
      items.map((item) =>
        "lost" in item
          ? h("li", { key: item.next, className: "gap" }, `missing: ${item.lost ?? "some"}`)
          : h("li", { key: item.id, "data-id": item.id }, textOf(item)),
      ),
    ),
    h("p", { className: "last" }, last && textOf(last)),
    h("button", { type: "button", onClick: () => void push.publish(channel ?? "", `from ${id}`) }, "Publish"),
  );
}

function textOf({ data }: ReceivedEvent): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}
