/**
 * A memory store's contents as bytes, and back: what one process hands over to the next. Pure. Whatever there is of it,
 * only a part is held at a time.
 *
 *     tailwire snapshot 1                                             the format
 *     ["store","k436d8lp"]                                            the epoch of channels without events
 *     ["log","chat","k436d8lp",40]                                    a log: where its first event is behind
 *     ["event",1790000000000,"message",null,"text","hello"]           that event: time, type, key, kind, data
 *     ["rest","news","k436d8lp",7]                                    where a log stood that is kept no longer
 *     ["key","chat the key","k436d8lp",41,1790000000000]              an idempotency key: its event's position and time
 *     end 0f3c9a77                                                    the CRC-32 of all bytes before this line
 *
 * A line is JSON, so that whatever an event holds, half a surrogate pair included, comes back as it was.
 */

import { TailwireError } from "../core/errors.ts";
import { appendChecksum, checksumOf } from "../wire/crc32.ts";

export type SnapshotRecord =
  | readonly ["store", epoch: string]
  | readonly ["log", channel: string, epoch: string, after: number]
  | readonly ["event", time: number, type: string, key: string | null, kind: string, data: string]
  | readonly ["rest", channel: string, epoch: string, offset: number]
  | readonly ["key", key: string, epoch: string, offset: number, time: number];

const FORMAT = 1;
const HEAD = "tailwire snapshot ";
/** Lines go together in parts of about so many characters. */
const PART_CHARS = 64 * 1024;
const END_BYTES = "end 00000000\n".length;
/** What has more before its first line ends is something else. */
const MAX_HEAD_BYTES = 64;
const LF = 10;

/** What stands in each record behind its name. */
const SHAPES: Readonly<Record<string, string>> = {
  store: "string",
  log: "string string number",
  event: "number string key string string",
  rest: "string string number",
  key: "string string number number",
};

/** The records as bytes, part by part. */
export function* encodeSnapshot(records: Iterable<SnapshotRecord>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let crc = 0;
  let text = `${HEAD}${FORMAT}\n`;
  const encode = () => {
    const bytes = encoder.encode(text);
    crc = appendChecksum(crc, checksumOf(bytes));
    text = "";
    return bytes;
  };
  for (const record of records) {
    text += `${JSON.stringify(record)}\n`;
    if (text.length >= PART_CHARS) yield encode();
  }
  yield encode();
  yield encoder.encode(endOf(crc));
}

function endOf(crc: number): string {
  return `end ${(crc >>> 0).toString(16).padStart(8, "0")}\n`;
}

/** Reads a snapshot, cut anywhere. What it has given counts only once {@link end} has found all of it to be whole. */
export class SnapshotReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #crc = 0;
  #lines = 0;
  /** The last bytes that came: they may be the end. */
  #last: Uint8Array = new Uint8Array(0);
  /** Of a line that has not ended. */
  #begun: Uint8Array[] = [];

  /**
   * The records whose lines end in this part.
   * @throws {TailwireError} `invalid_data`
   */
  *push(part: Uint8Array): Generator<SnapshotRecord> {
    const bytes = this.#last.length === 0 ? part : Buffer.concat([this.#last, part]);
    const middle = Math.max(0, bytes.length - END_BYTES);
    this.#last = bytes.subarray(middle);
    const body = bytes.subarray(0, middle);
    if (body.length > 0) yield* this.#read(body);
  }

  /** @throws {TailwireError} `invalid_data` where it was not whole */
  end(): void {
    const rest = Buffer.concat([...this.#begun, this.#last]).toString("latin1");
    if (this.#lines === 0) checkHead(rest.split("\n", 1)[0] ?? "");
    if (this.#lines === 0 || rest !== endOf(this.#crc)) throw damaged();
  }

  *#read(body: Uint8Array): Generator<SnapshotRecord> {
    this.#crc = appendChecksum(this.#crc, checksumOf(body));
    const lineEnd = body.lastIndexOf(LF);
    if (lineEnd < 0) {
      if (this.#lines === 0 && body.length > MAX_HEAD_BYTES) throw notOurs();
      this.#begun.push(body);
      return;
    }
    const lines = this.#decode([...this.#begun, body.subarray(0, lineEnd)]).split("\n");
    this.#begun = [body.subarray(lineEnd + 1)];
    for (const line of lines) {
      this.#lines += 1;
      if (this.#lines === 1) checkHead(line);
      else yield parseRecord(line);
    }
  }

  #decode(parts: readonly Uint8Array[]): string {
    try {
      return this.#decoder.decode(Buffer.concat(parts));
    } catch (cause) {
      throw damaged(cause);
    }
  }
}

function checkHead(line: string): void {
  const format = line.startsWith(HEAD) ? Number(line.slice(HEAD.length)) : Number.NaN;
  if (format === FORMAT) return;
  if (!Number.isInteger(format)) throw notOurs();
  throw new TailwireError("invalid_data", `it has format ${format}, and this version reads format ${FORMAT} only`);
}

function parseRecord(line: string): SnapshotRecord {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (cause) {
    throw damaged(cause);
  }
  if (!isRecord(record)) throw damaged();
  return record;
}

function isRecord(value: unknown): value is SnapshotRecord {
  if (!Array.isArray(value)) return false;
  const [name, ...fields] = value as unknown[];
  const shape = typeof name === "string" && Object.hasOwn(SHAPES, name) ? SHAPES[name]?.split(" ") : undefined;
  return shape?.length === fields.length && fields.every((field, index) => fits(field, shape[index]));
}

function fits(field: unknown, shape: string | undefined): boolean {
  return shape === "key" ? field === null || typeof field === "string" : typeof field === shape;
}

function notOurs(): TailwireError {
  return new TailwireError("invalid_data", "it is no snapshot of tailwire's");
}

function damaged(cause?: unknown): TailwireError {
  return new TailwireError("invalid_data", "it is damaged or cut off", cause === undefined ? {} : { cause });
}
