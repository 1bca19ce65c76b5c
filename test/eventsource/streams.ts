/**
 * Streams and what an EventSource makes of them. The names are those of the web-platform-tests that ask the same; the
 * streams are our own. Real Chromium's EventSource is held against this table too.
 */

import { utf8 } from "../wire/split.ts";

export interface StreamCase {
  readonly name: string;
  readonly body: Uint8Array;
  /** Type, data, last event id. */
  readonly events: readonly (readonly [type: string, data: string, lastEventId: string])[];
  /** Types beside `message`. */
  readonly types?: readonly string[];
}

type Data = string | readonly [type: string, data: string, lastEventId?: string];

/** @param events their data alone where they are messages without an id */
function stream(name: string, body: string | Uint8Array, ...events: readonly Data[]): StreamCase {
  const full = events.map((event) => {
    const [type, data, lastEventId = ""] = typeof event === "string" ? (["message", event] as const) : event;
    return [type, data, lastEventId] as const;
  });
  const types = new Set(full.map(([type]) => type));
  types.delete("message");
  return { name, body: typeof body === "string" ? utf8(body) : body, events: full, types: [...types] };
}

const bytes = (...parts: readonly (string | number)[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...utf8(part)] : [part])));

export const STREAMS: readonly StreamCase[] = [
  stream("format-bom: one at the start is dropped, no other", "\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n", "1", "3"),
  stream("format-bom-2: of two the second belongs to the first line", "\ufeff\ufeffdata:1\n\ndata:2\n\n", "2"),
  stream(
    "format-comments",
    `data:1\n:\0\n:\r\ndata:2\n:${"long ".repeat(500)}\rdata:3\n:data:no\r:${"x".repeat(3000)}\ndata:4\n\n`,
    "1\n2\n3\n4",
  ),
  stream("format-field-data", "data:\n\ndata\ndata\n\ndata:x\n\n", "", "\n", "x"),
  stream("format-field-data: colons and spaces in it", "data: a: b :\ndata:  two\n\n", "a: b :\n two"),
  stream("format-field-event", "event:test\ndata:x\n\ndata:y\n\n", ["test", "x"], "y"),
  stream("format-field-event-empty", "event: \ndata:data\n\nevent\ndata:2\n\n", "data", "2"),
  stream("format-field-event: the last one counts", "event:a\nevent:b\ndata:x\n\n", ["b", "x"]),
  stream("format-field-event: without data it is forgotten", "event:a\n\ndata:x\n\n", "x"),
  stream(
    "format-field-event: one may be named like the interface's own",
    "event:open\ndata:o\n\nevent:error\ndata:e\n\n",
    ["open", "o"],
    ["error", "e"],
  ),
  stream(
    "format-field-id: stays until another comes, and can be emptied",
    "id:1\ndata:a\n\ndata:b\n\nid:2\n\ndata:c\n\nid\ndata:d\n\n",
    ["message", "a", "1"],
    ["message", "b", "1"],
    ["message", "c", "2"],
    ["message", "d", ""],
  ),
  stream(
    "format-field-id-null: one with a NUL is none",
    "id:1\ndata:a\n\nid:\0\ndata:b\n\nid:2\0\ndata:c\n\nid: \0x\ndata:d\n\n",
    ...["a", "b", "c", "d"].map((data) => ["message", data, "1"] as const),
  ),
  stream("format-field-id: any characters, the last in a block", "id: x\nid:…🙂 é\ndata:a\n\n", [
    "message",
    "a",
    "…🙂 é",
  ]),
  stream(
    "format-field-parsing",
    "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
    "\0\n 2\n1\n3\n\n4",
  ),
  stream("format-field-retry: what is no number is passed over", "retry:1x\nretry:-1\nretry:1.5\ndata:x\n\n", "x"),
  stream("format-field-retry-empty", "retry\nretry:\nretry: \ndata:x\n\n", "x"),
  stream("format-field-unknown", "data:x\n data\ndata\nfoobar:xxx\njustsometext\n:a comment\ndata:y\n\n", "x\n\ny"),
  stream("format-leading-space: one, and no tab", "data:\ttest\rdata: \ndata:test\n\n", "\ttest\n\ntest"),
  stream(
    "format-newlines: all three, mixed",
    "data:1\r\ndata\ndata:2\r\n\rdata:3\r\rdata:4\r\n\r\n",
    "1\n\n2",
    "3",
    "4",
  ),
  stream("format-null-character", "data:\0\n\n\n\n", "\0"),
  stream("format-utf-8", "data:ok…ü🙂\u2028中\n\n", "ok…ü🙂\u2028中"),
  stream(
    "format-utf-8: what is none becomes U+FFFD",
    bytes("data:", 0xff, "a", 0xc3, "b", 0xf0, 0x9f, 0x99, "c", 0xed, 0xa0, 0x80, "\n\n"),
    "\ufffda\ufffdb\ufffdc\ufffd\ufffd\ufffd",
  ),
  stream("format-utf-8: cut off by the end of a line", bytes("data:", 0xe2, 0x80, "\ndata:x\n\n"), "\ufffd\nx"),
  stream("blank lines and comments fire nothing", "\n\n\r\n\r\r:\n\n: x\n\ndata:x\n\n", "x"),
  stream("a long line", `data:${"0123456789".repeat(2000)}\n\n`, "0123456789".repeat(2000)),
  stream(
    "many at once",
    Array.from({ length: 300 }, (_, at) => `id:${at}\ndata:${at}\n\n`).join(""),
    ...Array.from({ length: 300 }, (_, at) => ["message", `${at}`, `${at}`] as const),
  ),
];

/** What `record` notes of it, when the server ends it with the event `end`. */
export function expected({ events }: StreamCase, origin: string): readonly string[] {
  const lines = events.map(([type, data, id]) => `${type} 1 ${JSON.stringify(data)} id=${id} ${origin}`);
  return ["open 1", ...lines, `end 1 "" id=${events.at(-1)?.[2] ?? ""} ${origin}`];
}
