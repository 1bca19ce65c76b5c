/** The folder: one LMDB environment in it, and the files that tell processes and machines of each other. */

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
} from "node:fs";
import path from "node:path";
import { open, type RootDatabase } from "lmdb";
import { type Cancel, type Clock, newEpoch } from "../../core/clock.ts";
import { TailwireError } from "../../core/errors.ts";
import type { Write } from "./due.ts";
import { openFault, readFault, unusable, writeFault } from "./faults.ts";
import { faultOfHeader, HEADER_BYTES } from "./header.ts";
import { FORMAT_KEY, type Key, type KeyRange, STATE_KEY } from "./keys.ts";
import { holdFolder } from "./machine.ts";
import { encodeState } from "./values.ts";
import type { View } from "./view.ts";

/** The format of what is in the folder. A higher one is refused; a lower one is to be read, or brought up. */
const FORMAT = 1;
/** How far the file can grow: address space, which costs nothing where the machine has 64 bits. */
const MAP_BYTES = 2 ** 40;

/** A key and its value. */
export interface Entry {
  readonly key: Key;
  readonly value: Buffer;
}

export class Database implements View {
  readonly path: string;
  readonly #lmdb: RootDatabase<Buffer, Buffer>;
  readonly #letGo: Cancel;
  /** Set by a failed write. LMDB may have given up for good, and an asynchronous transaction would then never end. */
  #doubtful = false;

  /** @throws {TailwireError} `misuse` where the folder cannot be used, saying why */
  constructor(folder: string, clock: Clock) {
    this.path = folder;
    let letGo: Cancel = () => {};
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.R_OK | constants.W_OK);
      letGo = holdFolder(folder);
      checkHeader(folder);
      this.#lmdb = openLmdb(folder);
      this.#begin(clock);
      for (const each of [folder, path.dirname(path.resolve(folder))]) syncFolder(each);
    } catch (cause) {
      letGo();
      throw openFault(folder, cause);
    }
    this.#letGo = letGo;
  }

  get(key: Key): Buffer | undefined {
    return this.#lmdb.getBinaryFast(key);
  }

  /** Reads what is committed by now; what the callback looks up is of one moment. */
  read<T>(read: (view: View) => T): T {
    try {
      this.#lmdb.resetReadTxn();
      return read(this);
    } catch (cause) {
      throw readFault(this.path, cause);
    }
  }

  /** Entries of a range, from its start, that are committed by now. */
  entries({ start, end }: KeyRange, limit: number): readonly Entry[] {
    return this.read(() =>
      [...this.#lmdb.getRange({ start, end, limit })].map(({ key, value }) => ({
        key: Buffer.from(key),
        value: Buffer.from(value),
      })),
    );
  }

  /**
   * Writes what the callback asks for, all or nothing, based on what it reads while no other process writes. Settles
   * when it is on the disk, which is also when others can see it. Only one at a time.
   * @throws {TailwireError} `store_unavailable`: nothing was written
   */
  async write<T extends { readonly writes: readonly Write[] }>(plan: (view: View) => T): Promise<T> {
    try {
      if (this.#doubtful) this.#lmdb.transactionSync(() => {});
      this.#doubtful = false;
      return await this.#lmdb.transaction(() => {
        const planned = plan(this);
        for (const [key, value] of planned.writes) {
          if (value === undefined) void this.#lmdb.remove(key);
          else void this.#lmdb.put(key, value);
        }
        return planned;
      });
    } catch (error) {
      this.#doubtful = true;
      if (error instanceof TailwireError) throw error;
      throw writeFault(this.path, await causeOf(error), freeBytes(this.path));
    }
  }

  /** Frees what processes held that are gone. */
  forgetTheDead(): void {
    this.#lmdb.readerCheck();
  }

  async close(): Promise<void> {
    await this.#lmdb.close();
    this.#letGo();
  }

  #begin(clock: Clock): void {
    const made = this.#lmdb.transactionSync(() => {
      const format = this.#lmdb.get(FORMAT_KEY);
      if (format === undefined && this.#lmdb.getKeysCount({ limit: 1 }) === 0) {
        this.#lmdb.putSync(FORMAT_KEY, Buffer.from(JSON.stringify({ tailwire: FORMAT })));
        this.#lmdb.putSync(STATE_KEY, encodeState({ commits: 0, nextNumber: 1, epoch: newEpoch(clock) }));
        return FORMAT;
      }
      return format === undefined ? undefined : Number(JSON.parse(format.toString()).tailwire);
    });
    if (made === FORMAT) return;
    void this.#lmdb.close();
    throw made !== undefined && made > FORMAT
      ? unusable(
          this.path,
          `a newer version of Tailwire made it, in format ${made}; this one knows ${FORMAT}. Use that version, or name another path`,
        )
      : unusable(this.path, "what is there was not made by Tailwire. Name another path");
  }
}

function openLmdb(folder: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path: folder,
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    // A commit is visible only when it is on the disk.
    overlappingSync: false,
    // Transactions are begun here, one at a time; with batches beside them a full disk would end the process.
    eventTurnBatching: false,
    // On Windows the file would be as large as the map, so there it grows by itself.
    ...(process.platform === "win32" ? {} : { mapSize: MAP_BYTES }),
  });
}

/** Puts the names in a folder on the disk, where the system can. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, "r");
    fsyncSync(fd);
    closeSync(fd);
  } catch {
    // Windows opens no folders, and needs no such thing.
  }
}

function checkHeader(folder: string): void {
  const file = path.join(folder, "data.mdb");
  if (!existsSync(file)) return;
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(HEADER_BYTES);
    const read = readSync(fd, head, 0, HEADER_BYTES, 0);
    const fault = faultOfHeader(head.subarray(0, read), fstatSync(fd).size);
    if (fault !== undefined)
      throw unusable(folder, `${fault}. Restore it from a backup, or move it away and begin anew`);
  } finally {
    closeSync(fd);
  }
}

/** LMDB's binding gives the fault itself only later, and a fault that nobody has asked for would end the process. */
async function causeOf(error: unknown): Promise<unknown> {
  const later = (error as { commitError?: Promise<never> }).commitError;
  return later === undefined ? error : later.catch((cause: unknown) => cause);
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
