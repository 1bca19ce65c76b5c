/**
 * What one `useChannel` has of its channel: the newest items, and the subscription that brings them. Nothing of React.
 *
 *   items come     |1 |2 3 4 5 6 … 1000          |
 *   turns of loop  '-----------------------------'--------
 *   React is told   ^ of 1                        ^ of all
 *
 * It is told of the first at once, then no more in the same turn, so that a burst is not a render an event.
 */

import type { Push, ReceivedEvent, ReceivedGap, StandardSchema } from "../client/index.ts";
import { afterTurn } from "./turn.ts";

/** An event, or a gap in its place: a gap has `lost`. */
export type ChannelItem<T = unknown> = ReceivedEvent<T> | ReceivedGap;

/** What is shown of a channel. The same object, and the same lists, for as long as nothing has come. */
export interface ChannelView<T = unknown> {
  /** The newest events, the newest last. */
  readonly events: readonly ReceivedEvent<T>[];
  /** The newest event. */
  readonly last: ReceivedEvent<T> | undefined;
  /** The newest gap among these events; undefined where none is missing between them. */
  readonly gap: ReceivedGap | undefined;
  /** The events, with the gaps where they are. */
  readonly items: readonly ChannelItem<T>[];
}

export interface ChannelOptions<T = unknown> {
  /**
   * Where to begin: `now` (the default), `earliest`, `-N`, or a cursor, such as the one that the page was rendered
   * at. Another one begins anew.
   */
  readonly from?: string | undefined;
  /** How many events are kept, the newest (100). */
  readonly maxEvents?: number | undefined;
  /** What the data of each event has to be; what does not fit goes to the client's `onError`. */
  readonly schema?: StandardSchema<T> | undefined;
  /** Told of each event, once, also of those that no render sees. */
  readonly onEvent?: ((event: ReceivedEvent<T>) => void) | undefined;
  /** Told of each gap. */
  readonly onGap?: ((gap: ReceivedGap) => void) | undefined;
}

interface Source {
  readonly push: Push;
  readonly channel: string | null | undefined;
  readonly from: string;
}

export interface ChannelStore<T> {
  readonly source: Source;
  /** Subscribes to the channel, while there is this one listener. */
  readonly subscribe: (listener: () => void) => () => void;
  view(maxEvents: number): ChannelView<T>;
  /** What counts from now on. */
  configure(options: Configuration<T>): void;
}

type Configuration<T> = Omit<ChannelOptions<T>, "from"> & { readonly maxEvents: number };

export const EMPTY: ChannelView<never> = { events: [], last: undefined, gap: undefined, items: [] };

export function createChannelStore<T>(source: Source): ChannelStore<T> {
  const { push, channel } = source;
  let options: Configuration<T> = { maxEvents: 0 };
  let items: ChannelItem<T>[] = [];
  let shown: { readonly maxEvents: number; readonly view: ChannelView<T> } | undefined;
  let cursor = source.from;
  let stop: (() => void) | undefined;
  let listener: (() => void) | undefined;
  let turn: "quiet" | "told" | "behind" = "quiet";

  // As it is given now, whenever an event comes.
  const schema: StandardSchema<T> = {
    "~standard": {
      validate: (value) => options.schema?.["~standard"].validate(value) ?? { value: value as T },
    },
  };

  function open(): void {
    if (channel == null || stop !== undefined) return;
    let mine = true;
    const onEvent = (event: ReceivedEvent<T>) => {
      if (!mine) return; // its schema took its time
      take(event, event.id);
      options.onEvent?.(event);
    };
    const onGap = (gap: ReceivedGap) => {
      if (!mine) return;
      take(gap, gap.next);
      options.onGap?.(gap);
    };
    const end = push.subscribe(channel, onEvent, { from: cursor, onGap, schema });
    stop = () => {
      mine = false;
      stop = undefined;
      end();
    };
  }

  function take(item: ChannelItem<T>, position: string): void {
    const before = items.at(-1);
    if (before !== undefined && isGap(before) && isGap(item)) items[items.length - 1] = joined(before, item);
    else items.push(item);
    if (items.length > 2 * options.maxEvents + SPARE) items = newest(items, options.maxEvents);
    cursor = position;
    shown = undefined;
    tell();
  }

  function tell(): void {
    if (turn !== "quiet") {
      turn = "behind";
      return;
    }
    turn = "told";
    afterTurn(() => {
      const behind = turn === "behind";
      turn = "quiet";
      if (behind) tell();
    });
    listener?.();
  }

  return {
    source,
    subscribe(next) {
      listener = next;
      open();
      return () => {
        listener = undefined;
        // Whoever subscribes in the same turn (StrictMode, another component, another channel) finds it still open.
        queueMicrotask(() => listener ?? stop?.());
      };
    },
    view(maxEvents) {
      if (shown?.maxEvents !== maxEvents) shown = { maxEvents, view: viewOf(newest(items, maxEvents)) };
      return shown.view;
    },
    configure(next) {
      options = next;
    },
  };
}

/** Items kept beyond what is shown, so that the list is not copied for each that comes. */
const SPARE = 100;

/** As many events from the end, with the gaps between them and the one right before them. */
function newest<T>(items: readonly ChannelItem<T>[], maxEvents: number): ChannelItem<T>[] {
  let start = items.length;
  for (let events = 0; start > 0; start -= 1) {
    if (isGap(items[start - 1] as ChannelItem<T>)) continue;
    if (events >= maxEvents) break;
    events += 1;
  }
  return items.slice(start);
}

function viewOf<T>(items: readonly ChannelItem<T>[]): ChannelView<T> {
  if (items.length === 0) return EMPTY;
  const events = items.filter((item) => !isGap(item)) as ReceivedEvent<T>[];
  return { items, events, last: events.at(-1), gap: items.findLast(isGap) };
}

/** Two gaps with nothing between them, as one. */
function joined({ after, lost, reason }: ReceivedGap, next: ReceivedGap): ReceivedGap {
  return {
    ...next,
    after,
    lost: lost === null || next.lost === null ? null : lost + next.lost,
    reason: reason === "epoch" ? reason : next.reason,
  };
}

function isGap<T>(item: ChannelItem<T>): item is ReceivedGap {
  return "lost" in item;
}
