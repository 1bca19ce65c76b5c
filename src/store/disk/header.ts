/**
 * The head of LMDB's data file, looked at before LMDB does: on what is no data file of its own, and on one that was cut
 * short, it ends the process.
 *
 * Two pages of metadata, written in turn, each with: a magic number at 24, the version at 28, the size of a page at 48,
 * the last page in use at 144, the number of the transaction at 152; in the machine's byte order.
 */

/** How much of the file is looked at: two of the largest pages. */
export const HEADER_BYTES = 2 * 65_536;

const MAGIC = 0xbeefc0de;
const VERSION = 2;
const META_BYTES = 160;
/** LMDB does not write pages at the end that it has freed again, so a whole file may lack a few. */
const UNWRITTEN_PAGES = 64;

/**
 * What is wrong with a data file; undefined where nothing is.
 * @param head its first {@link HEADER_BYTES}, or all of it
 * @param size how long the file is; looked up after the head was read, for others may write
 */
export function faultOfHeader(head: Buffer, size: number): string | undefined {
  if (size === 0) return undefined; // made, and not written yet
  const pageBytes = head.length < META_BYTES ? 0 : uint32(head, 48);
  if (pageBytes < 256 || head.length < pageBytes + META_BYTES) return "data.mdb is no data file of LMDB";
  let newest = { transaction: -1, lastPage: 0 };
  for (const at of [0, pageBytes]) {
    if (uint32(head, at + 24) !== MAGIC) return "data.mdb is no data file of LMDB";
    const version = uint32(head, at + 28) & 0xffff;
    if (version !== VERSION) return `data.mdb is of version ${version} of LMDB's format, not ${VERSION}`;
    const meta = { transaction: uint64(head, at + 152), lastPage: uint64(head, at + 144) };
    if (meta.transaction > newest.transaction) newest = meta;
  }
  const least = (newest.lastPage + 1 - UNWRITTEN_PAGES) * pageBytes;
  return size < least ? `data.mdb was cut short: it has ${size} bytes of at least ${least}` : undefined;
}

const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function uint32(bytes: Buffer, at: number): number {
  return LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function uint64(bytes: Buffer, at: number): number {
  return Number(LITTLE ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
}
