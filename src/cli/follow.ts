/**
 * Channels followed over whatever happens to the connection: it comes back and goes on from where it was.
 *
 * Not by `tailwire/client`, which is made for applications: it gives JSON as values, which do not hold all digits of a
 * number, where `tail` prints what was published; it tells of gaps beside the events it has queued, not between them;
 * and it does not say why a connection was lost, which at a terminal is the question.
 */

import { setTimeout as wait } from "node:timers/promises";
import { backoffMs } from "./backoff.ts";
import { Failure } from "./failure.ts";
import { describeError } from "./server-answer.ts";
import { StreamReader } from "./stream-reader.ts";
import { TailCursor } from "./tail-cursor.ts";
import { parseLine, type Received } from "./tail-message.ts";

export interface FollowOptions {
  /** The server's URL, without the slash at the end. */
  readonly url: string;
  readonly channels: readonly string[];
  readonly from: string;
  /** Told when the connection is lost and regained. */
  tell(text: string): void;
}

/** An event or a gap. */
export type Followed = Extract<Received, { readonly line: string }>;

/** How a connection ended. */
interface End {
  readonly why: string;
  /** When the server wants us back; null: not at all; undefined: it did not say. */
  readonly reconnectMs: number | null | undefined;
}

const LONGEST_MS = 2 ** 31 - 1;

/**
 * Every event once, in order, and every gap. Comes back for ever.
 * @throws {Failure} where the server refuses the request, or sends us away
 */
export async function* follow(options: FollowOptions): AsyncGenerator<Followed, never, undefined> {
  const { url, channels, from, tell } = options;
  const cursor = new TailCursor(channels, from);
  let attempt = 0;
  let told = "";
  const onOpen = () => {
    if (told !== "") tell("connected again");
    attempt = 0;
    told = "";
  };
  for (;;) {
    const { why, reconnectMs } = yield* followOnce(subscribeUrl(url, channels, cursor.from), cursor, onOpen);
    if (reconnectMs === null) throw new Failure(`ended by the server: ${why}`);
    if (why !== told) tell(`no connection to ${url}: ${why}; trying again until there is one`);
    told = why;
    await wait(reconnectMs ?? backoffMs(attempt++));
  }
}

function subscribeUrl(url: string, channels: readonly string[], from: string): string {
  return `${url}/channels/${channels.map(encodeURIComponent).join(",")}?${new URLSearchParams({ from })}`;
}

/** One connection, from its request to its end. */
async function* followOnce(
  url: string,
  cursor: TailCursor,
  onOpen: () => void,
): AsyncGenerator<Followed, End, undefined> {
  const reader = new StreamReader();
  try {
    for await (const lines of reader.lines(url)) {
      for (const line of lines) {
        const received = parseLine(line);
        if (received === undefined) return ended(`${JSON.stringify(line.slice(0, 100))} is no message`);
        if (received.kind === "close") return ended(received.reason, received.reconnectMs);
        if (received.kind === "open") {
          cursor.opened(received.cursor);
          reader.silenceMs = Math.min(2 * received.heartbeatMs, LONGEST_MS);
          onOpen();
        } else if (isNew(received, cursor)) yield received;
      }
    }
    return ended("the connection ended");
  } catch (error) {
    if (error instanceof Failure) throw error;
    return ended(describeError(error));
  } finally {
    reader.close();
  }
}

function ended(why: string, reconnectMs?: number | null): End {
  return { why, reconnectMs };
}

/** Whether it is to be shown; moves the cursor. */
function isNew(received: Received, cursor: TailCursor): received is Followed {
  if (received.kind === "event") return cursor.take(received.event.channel, received.event.id);
  if (received.kind === "gap") cursor.skip(received.gap.channel, received.gap.next);
  return received.kind === "gap";
}
