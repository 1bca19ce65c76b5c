/**
 * The file over which one process hands its logs to the next: written at an orderly end, read at a start. It is removed
 * before the first event is taken, for good: were it there after a crash, the logs would begin again from it, and other
 * events would get the positions of those that clients had seen.
 */

import { closeSync, constants, createReadStream, fsyncSync, openSync, unlinkSync } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { type Snapshots, TailwireError } from "../index.ts";
import { Failure } from "./failure.ts";

/** What a server does with it; nothing, where it was given none. */
export interface SnapshotFile {
  /** Removes what was read. Before anything is taken, and not before nothing can fail any more that would end the start. */
  take(): void;
  /** Writes all that the store holds. */
  write(): Promise<void>;
}

const NONE: SnapshotFile = { take() {}, write: () => Promise.resolve() };

/**
 * Reads the snapshot into the store, where there is one.
 * @param store undefined where its logs outlive the process anyway: then there is nothing to hand over
 * @throws {Failure} where it cannot be read, is damaged, or of a newer version, or where none could be written later
 */
export async function readSnapshot(file: string | undefined, store: Snapshots | undefined): Promise<SnapshotFile> {
  if (file === undefined || store === undefined) return NONE;
  const place = path.resolve(file);
  await checkFolder(place, file);
  const isRead = await restore(place, file, store);
  return {
    take: () => isRead && remove(place, file),
    write: () => write(place, file, store.snapshot()),
  };
}

async function checkFolder(place: string, file: string): Promise<void> {
  try {
    await access(path.dirname(place), constants.W_OK);
  } catch (cause) {
    throw new Failure(`no snapshot can be written to ${file}: ${reason(cause)}`, { exitCode: 2, cause });
  }
}

/** False where there is none. */
async function restore(place: string, file: string, store: Snapshots): Promise<boolean> {
  try {
    await store.restore(createReadStream(place));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    if (!(cause instanceof TailwireError)) {
      throw new Failure(`the snapshot ${file} cannot be read: ${reason(cause)}`, { exitCode: 2, cause });
    }
    throw new Failure(`the snapshot ${file} cannot be used: ${cause.message}; without it the logs begin empty`, {
      exitCode: 2,
      cause,
    });
  }
}

/** At once, so that nothing happens between a start that has succeeded and this. */
function remove(place: string, file: string): void {
  try {
    unlinkSync(place); // of two processes that have read the same, one fails here
    const folder = openSync(path.dirname(place), "r");
    try {
      fsyncSync(folder); // it stays removed also where the machine loses its power
    } finally {
      closeSync(folder);
    }
  } catch (cause) {
    if (cannotSyncFolders(cause)) return;
    throw new Failure(`the snapshot ${file} was read, but cannot be removed: ${reason(cause)}`, { cause });
  }
}

/** Whole or not at all: under another name at first, and on the disk before it gets its own. */
async function write(place: string, file: string, parts: Iterable<Uint8Array>): Promise<void> {
  const unfinished = `${place}.tmp`;
  try {
    await writeParts(unfinished, parts);
    await rename(unfinished, place);
    await syncFolder(path.dirname(place));
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw new Failure(`the snapshot ${file} could not be written, so the logs are lost: ${reason(cause)}`, { cause });
  }
}

async function writeParts(place: string, parts: Iterable<Uint8Array>): Promise<void> {
  const handle = await open(place, "w", 0o600); // what is in it may not be for everybody
  try {
    for (const part of parts) await handle.writeFile(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (!cannotSyncFolders(error)) throw error;
  }
}

/** Windows has no such thing, and does without. */
function cannotSyncFolders(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return process.platform === "win32" && syscall !== "unlink" && (code === "EPERM" || code === "EISDIR");
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
