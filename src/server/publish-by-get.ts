/** `GET /channels/{name}?publish=…&callback=…`: one event from a script (PROTOCOL.md, "Publishing with GET"). */

import type { ServerResponse } from "node:http";
import type { ChannelName } from "../core/channel-name.ts";
import { TailwireError } from "../core/errors.ts";
import { checkIdempotencyKey, checkSize, type Data } from "../core/event.ts";
import type { Hub } from "../core/hub.ts";
import { encodeCall, encodeExpression } from "../wire/jsonp.ts";
import { fromBase64 } from "../wire/message.ts";
import { readCallback } from "./legacy.ts";
import { readWord, unfit } from "./parameters.ts";
import { appendOne, readForm, readLine } from "./publish.ts";
import { respond, SCRIPT_HEADERS } from "./respond.ts";

/** A URL of more may not come through. */
const MAX_BYTES = 4096;

/**
 * Publishes what the query says.
 * @param url the request's own, undecoded
 * @throws {TailwireError} for what is wrong with the request; nothing was published then
 */
export async function servePublishByGet(
  hub: Hub,
  res: ServerResponse,
  channel: ChannelName,
  query: URLSearchParams,
  url: string,
): Promise<void> {
  const callback = readCallback(query);
  const idempotencyKey = readWord(query, "idempotencyKey");
  const form = readForm(query, idempotencyKey === null ? undefined : checkIdempotencyKey(idempotencyKey));
  const data = checkSize(readData(query, url), hub.settings.maxEventBytes);
  const id = await appendOne(hub, channel, { ...form, data });
  const script = encodeCall(callback, encodeExpression(JSON.stringify({ id, channel })));
  respond(res, 201, { ...SCRIPT_HEADERS, "Tailwire-Cursor": id }, script);
}

function readData(query: URLSearchParams, url: string): Data {
  const text = query.get("publish") ?? "";
  if (Buffer.byteLength(text) > MAX_BYTES) {
    const parameter = "publish";
    throw new TailwireError("event_too_large", `publish: it is larger than ${MAX_BYTES} bytes`, { parameter });
  }
  if (text.includes("\uFFFD") && !isUtf8(url)) throw unfit("publish", "it is not UTF-8");
  const data = readLine(text, "publish");
  const encoding = query.get("encoding");
  return encoding === null ? data : decode(data, encoding);
}

/** U+FFFD may be what was sent, or stand for bytes that are no UTF-8. */
function isUtf8(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

function decode(data: Data, encoding: string): Data {
  if (encoding !== "base64" || data.kind !== "text") throw unfit("encoding", "it is base64, of a JSON string");
  const bytes = fromBase64(data.text);
  if (bytes === undefined) throw new TailwireError("invalid_data", "publish is not base64");
  return { kind: "binary", bytes };
}
