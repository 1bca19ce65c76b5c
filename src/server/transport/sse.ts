/** `sse`: Server-Sent Events, raw or as messages (PROTOCOL.md, "Server-Sent Events"). */

import type { Cursor } from "../../core/cursor.ts";
import { formatCursor } from "../../core/cursor.ts";
import { type ChannelEvent, type Item, isGap, positionAfter } from "../../core/event.ts";
import { formatPosition, type Position } from "../../core/position.ts";
import { encodeItem, type SystemMessage, toBase64 } from "../../wire/message.ts";
import { encodeSse, encodeSseComment } from "../../wire/sse.ts";
import type { WireEncoding } from "../connection.ts";
import type { Answer } from "./answer.ts";
import { contentCoding } from "./content-coding.ts";
import { type Framing, frameFirst, frameText } from "./framing.ts";
import { openHttpStream } from "./http-stream.ts";
import { open } from "./open.ts";

export function serveSse(answer: Answer): void {
  const { plan } = answer;
  const connection = openHttpStream(answer, {
    contentType: "text/event-stream",
    ...contentCoding(answer),
    encoding: (framing) => sseEncoding(plan.format, plan.names.length > 1, framing),
  });
  connection.owner = answer.subscription;
  open(answer, connection);
  answer.subscription.begin(connection);
}

/**
 * SSE. With several channels an event's id is the cursor over all of them, so that a client which knows only
 * `Last-Event-ID` comes back to the right place in each.
 */
export function sseEncoding(format: "raw" | "envelope", several: boolean, framing: Framing): WireEncoding {
  const key = `sse ${format} ${several ? "cursor" : "position"} ${framing}`;
  const encoding = made.get(key) ?? makeEncoding(key, format, several, framing);
  made.set(key, encoding);
  return encoding;
}

/** Each of the sixteen is made once: an idle connection would carry half a kilobyte more with one of its own. */
const made = new Map<string, WireEncoding>();

function makeEncoding(key: string, format: "raw" | "envelope", several: boolean, framing: Framing): WireEncoding {
  const item = format === "raw" ? rawItem : envelopeItem;
  const system = format === "raw" ? rawSystem : envelopeSystem;
  return {
    key,
    carriesCursor: several,
    encode(items, before) {
      const id = several ? cursorIds(before) : positionId;
      let text = "";
      for (const each of items) text += item(each, id(each));
      return frameText(text, framing);
    },
    // The id of `$open` is where the client begins: cut before its first event, it comes back to there.
    open: (message) => frameFirst(system(message, { id: message.cursor }), framing),
    heartbeat(message) {
      return frameText(format === "raw" ? encodeSseComment("") : system(message, {}), framing);
    },
    close(message) {
      return frameText(system(message, { retry: message.reconnectMs ?? undefined }), framing);
    },
  };
}

function rawItem(item: Item, id: string): string {
  if (isGap(item)) return encodeSse({ type: "$gap", data: encodeItem(item), id });
  return encodeSse({ type: item.type, data: rawData(item), id });
}

function rawData({ data }: ChannelEvent): string {
  return data.kind === "binary" ? toBase64(data.bytes) : data.text;
}

function envelopeItem(item: Item, id: string): string {
  return encodeSse({ data: encodeItem(item), id });
}

interface SystemFields {
  readonly id?: string;
  readonly retry?: number | undefined;
}

function rawSystem(message: SystemMessage, fields: SystemFields): string {
  return encodeSse({ type: message.type, data: JSON.stringify(message), ...fields });
}

function envelopeSystem(message: SystemMessage, fields: SystemFields): string {
  return encodeSse({ data: JSON.stringify(message), ...fields });
}

function positionId(item: Item): string {
  return formatPosition(positionAfter(item));
}

function cursorIds(before: Cursor): (item: Item) => string {
  const cursor = new Map<Item["channel"], Position>(before);
  return (item) => formatCursor(cursor.set(item.channel, positionAfter(item)));
}
