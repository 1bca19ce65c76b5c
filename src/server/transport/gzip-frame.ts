/** The frames of answers in gzip: pieces that are compressed once, and written to everybody who takes gzip. */

import { type Checksum, checksumOf } from "../../wire/crc32.ts";
import { storedBlocks } from "../../wire/gzip.ts";
import { chunkBytes } from "./chunk.ts";
import { Deflater } from "./deflater.ts";

/**
 * A frame of a text. One that is not worth the work is stored: it costs five bytes, and less than a microsecond.
 * @param before what stands in front of it in the same frame
 */
export function frameGzip(before: readonly Uint8Array[], text: string, chunked: boolean): Buffer {
  const bytes = Buffer.from(text);
  const parts = [...before, new Deflater().deflate(bytes) ?? storedBlocks(bytes)];
  const frame = chunked ? chunkBytes(parts) : Buffer.concat(parts);
  checksums.set(frame, checksumOf(bytes));
  return frame;
}

const checksums = new WeakMap<Uint8Array, Checksum>();

/** What a frame adds to the checksum of every stream that it is written to. Worked out once, with the frame. */
export function checksumOfFrame(frame: Uint8Array): Checksum {
  const checksum = checksums.get(frame);
  if (checksum === undefined) throw new Error("this is no frame of a gzip stream");
  return checksum;
}
