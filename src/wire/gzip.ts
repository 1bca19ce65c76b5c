/**
 * gzip (RFC 1952) in pieces that fit into anybody's stream. Pure.
 *
 *     GZIP_HEAD  piece  piece  piece  …  gzipEnd
 *
 * A piece is deflate (RFC 1951) that refers to nothing before it and ends at a byte: blocks with an empty stored one
 * behind them, which is what zlib's Z_SYNC_FLUSH ends with, or {@link storedBlocks}. So the same piece can stand at any
 * place in any stream; only the end, with the checksum, belongs to one of them.
 */

/** RFC 1952, 2.3: ID1 and ID2, CM 8 (deflate), no flags, no time, no extra flags, OS 255 (unknown). */
export const GZIP_HEAD: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** RFC 1951, 3.2.4: the length of a stored block has two bytes. */
const MAX_STORED_BYTES = 0xffff;
const STORED_HEAD_BYTES = 5;

/** A piece that is not compressed: five bytes in front of each 65,535. */
export function storedBlocks(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / MAX_STORED_BYTES));
  const piece = new Uint8Array(bytes.length + blocks * STORED_HEAD_BYTES);
  for (let block = 0; block < blocks; block += 1) {
    const from = block * MAX_STORED_BYTES;
    putStored(piece, from + block * STORED_HEAD_BYTES, bytes.subarray(from, from + MAX_STORED_BYTES));
  }
  return piece;
}

/** One block: BFINAL 0, BTYPE 00 and nothing more in its byte, LEN, NLEN, the bytes. */
function putStored(piece: Uint8Array, at: number, bytes: Uint8Array): void {
  const { length } = bytes;
  piece.set([0, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255], at);
  piece.set(bytes, at + STORED_HEAD_BYTES);
}

/** The last piece, an empty block with BFINAL 1 in fixed codes, and RFC 1952's CRC32 and ISIZE of what went before. */
export function gzipEnd(crc: number, bytes: number): Uint8Array {
  const end = new Uint8Array(10);
  const view = new DataView(end.buffer);
  end[0] = 3;
  view.setInt32(2, crc, true);
  view.setInt32(6, bytes, true); // mod 2^32
  return end;
}
