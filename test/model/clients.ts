/**
 * Clients of the model: each speaks one transport's real encoding, decodes its bytes with the real parsers, and
 * knows only what a client can know: its cursor.
 */

import type { ChannelName } from "../../src/core/channel-name.ts";
import { type Cursor, parseFrom } from "../../src/core/cursor.ts";
import type { Encoding, Sink } from "../../src/core/group.ts";
import type { Hub } from "../../src/core/hub.ts";
import type { Subscription } from "../../src/core/subscription.ts";
import { pollEncoding } from "../../src/server/transport/poll.ts";
import { sseEncoding } from "../../src/server/transport/sse.ts";
import { streamEncoding } from "../../src/server/transport/stream.ts";
import { PLAIN } from "../../src/server/transport/websocket-encoding.ts";
import { type EventMessage, type GapMessage, parseMessage } from "../../src/wire/message.ts";
import { LineReader } from "../../src/wire/ndjson.ts";
import { createSseParser } from "../../src/wire/sse.ts";

export const TRANSPORTS = ["sse", "stream", "websocket", "poll"] as const;
export type Transport = (typeof TRANSPORTS)[number];

export type Seen = EventMessage | GapMessage;

/** What a transport makes of frames: the messages, and where the client then is. */
interface Wire {
  readonly encoding: Encoding<unknown>;
  /** @param cursor the client's cursor, to which the answer's is added */
  decode(frame: unknown, cursor: Map<string, string>): readonly Seen[];
  /** Whether the first frame ends it. */
  readonly once: boolean;
}

export class ModelClient {
  /** Everything it was given, in order, over all its connections. */
  readonly seen: Seen[] = [];
  readonly names: readonly ChannelName[];
  readonly #hub: Hub;
  readonly #cursor = new Map<string, string>();
  #link: Link | undefined;

  constructor(hub: Hub, names: readonly ChannelName[]) {
    this.#hub = hub;
    this.names = names;
  }

  /** Its position in each channel, `epoch:offset`. */
  get cursor(): ReadonlyMap<string, string> {
    return this.#cursor;
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** Comes, or comes back from its cursor, over any transport. */
  async connect(transport: Transport, capacity = Number.POSITIVE_INFINITY): Promise<void> {
    this.cut();
    const link = new Link(wireOf(transport, this.names.length > 1), capacity, (frame) =>
      this.#take(link, frame, transport),
    );
    this.#link = link;
    const subscription = await this.#hub.open(this.names, parseFrom(this.#from(), this.names));
    if (this.#link !== link) {
      subscription.close();
      return;
    }
    if (this.#cursor.size === 0) this.#keep(subscription.cursor);
    link.begin(subscription);
  }

  cut(): void {
    this.#link?.cut();
    this.#link = undefined;
  }

  drain(): void {
    this.#link?.drain();
  }

  #take(link: Link, frame: unknown, transport: Transport): void {
    if (this.#link !== link) return;
    this.seen.push(...link.wire.decode(frame, this.#cursor));
    if (!link.wire.once) return;
    this.cut();
    void this.connect(transport);
  }

  #keep(cursor: Cursor): void {
    for (const [name, { epoch, offset }] of cursor) this.#cursor.set(name, `${epoch}:${offset}`);
  }

  #from(): string {
    if (this.#cursor.size === 0) return "now";
    if (this.#cursor.size === 1) return [...this.#cursor.values()][0] as string;
    return [...this.#cursor].map(([name, position]) => `${name}=${position}`).join();
  }
}

/** One connection, which takes so many frames until it is drained. */
class Link implements Sink<unknown> {
  readonly wire: Wire;
  readonly #capacity: number;
  readonly #take: (frame: unknown) => void;
  #subscription: Subscription | undefined;
  #undrained = 0;

  constructor(wire: Wire, capacity: number, take: (frame: unknown) => void) {
    this.wire = wire;
    this.#capacity = capacity;
    this.#take = take;
  }

  get encoding(): Encoding<unknown> {
    return this.wire.encoding;
  }

  get halfFull(): boolean {
    return this.#undrained > this.#capacity / 2;
  }

  begin(subscription: Subscription): void {
    this.#subscription = subscription;
    subscription.begin(this);
  }

  write(frame: unknown): boolean {
    this.#undrained += 1;
    this.#take(frame);
    return this.#undrained < this.#capacity;
  }

  drain(): void {
    this.#undrained = 0;
    this.#subscription?.drained();
  }

  cut(): void {
    this.#subscription?.close();
  }

  fail(error: unknown): void {
    throw error;
  }
}

function wireOf(transport: Transport, several: boolean): Wire {
  switch (transport) {
    case "sse":
      return { encoding: sseEncoding("envelope", several, "plain"), decode: decodeSse, once: false };
    case "stream":
      return { encoding: streamEncoding("plain"), decode: decodeStream, once: false };
    case "websocket":
      return { encoding: PLAIN.messages, decode: decodeWebSocket, once: false };
    case "poll":
      return { encoding: pollEncoding(3), decode: decodePoll, once: true };
  }
}

/** Takes the cursor from the SSE id alone, as a native EventSource does. */
function decodeSse(frame: unknown, cursor: Map<string, string>): readonly Seen[] {
  const seen: Seen[] = [];
  const parser = createSseParser({
    onEvent({ data, lastEventId }) {
      const message = parseMessage(data) as Seen;
      seen.push(message);
      readCursor(lastEventId, message.channel, cursor);
    },
  });
  parser.push(frame as Uint8Array);
  return seen;
}

function decodeStream(frame: unknown, cursor: Map<string, string>): readonly Seen[] {
  const lines = new LineReader(1e6);
  return readMessages([...lines.push(frame as Uint8Array), ...lines.end()], cursor);
}

/** RFC 6455, 5.2: one unmasked text frame. */
function decodeWebSocket(frame: unknown, cursor: Map<string, string>): readonly Seen[] {
  const bytes = Buffer.from(frame as Uint8Array);
  const mark = bytes.readUInt8(1);
  const head = mark < 126 ? 2 : mark === 126 ? 4 : 10;
  return readMessages(bytes.subarray(head).toString().split("\n"), cursor);
}

function decodePoll(frame: unknown, cursor: Map<string, string>): readonly Seen[] {
  const body = JSON.parse((frame as { body: Buffer }).body.toString()) as { cursor: string; events: Seen[] };
  const [first] = [...cursor.keys()];
  readCursor(body.cursor, first as string, cursor);
  return body.events;
}

function readMessages(lines: readonly string[], cursor: Map<string, string>): readonly Seen[] {
  return lines.map((line) => {
    const message = parseMessage(line) as Seen;
    cursor.set(message.channel, "id" in message ? message.id : message.next);
    return message;
  });
}

function readCursor(text: string, only: string, cursor: Map<string, string>): void {
  if (text.includes("=")) for (const part of text.split(",")) cursor.set(...(part.split("=") as [string, string]));
  else cursor.set(only, text);
}
