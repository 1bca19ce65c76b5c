/** What goes wrong on a disk, in words that say what to do. */

import { TailwireError } from "../../core/errors.ts";

/** Free bytes under which a failed write is taken for a full disk. */
const FULL_BYTES = 1024 * 1024;

/** Why a store cannot be opened: somebody has to do something about it. */
export function openFault(path: string, cause: unknown): TailwireError {
  if (cause instanceof TailwireError) return cause;
  const { code, message } = described(cause);
  const mayPass = code === "ENOSPC" || code === "EDQUOT" || code === "28";
  return new TailwireError(
    mayPass ? "store_unavailable" : "misuse",
    `the disk store cannot be opened in ${path}: ${openAdvice(code, message)}`,
    {
      parameter: "path",
      cause,
    },
  );
}

function openAdvice(code: string, message: string): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
    case "13":
    case "1":
      return "this process may not write there. Change the owner or the mode of the folder, or name another path";
    case "EROFS":
    case "30":
      return "it is mounted read-only. Mount it for writing, or name another path";
    case "ENOTDIR":
    case "EEXIST":
    case "20":
    case "17":
      return "it, or what it is in, is a file. Name a folder";
    case "ENOSPC":
    case "EDQUOT":
    case "28":
      return "the disk is full. Free some space on it, or name another path";
    default:
      return message;
  }
}

/** Why a store that is there cannot be used. */
export function unusable(path: string, why: string): TailwireError {
  return new TailwireError("misuse", `the disk store cannot be opened in ${path}: ${why}`, { parameter: "path" });
}

/**
 * Why nothing could be written, which may pass.
 * @param freeBytes how much room the disk has; undefined where that is not known
 */
export function writeFault(path: string, cause: unknown, freeBytes: number | undefined): TailwireError {
  const { code, message } = described(cause);
  const full = code === "ENOSPC" || code === "28" || (freeBytes !== undefined && freeBytes < FULL_BYTES);
  const why = full
    ? "the disk is full. Nothing of this was stored; free some space, and it goes on by itself"
    : `${message}. Nothing of this was stored; it is tried again with the next events`;
  return new TailwireError("store_unavailable", `the disk store in ${path} cannot write: ${why}`, { cause });
}

/** Why something could not be read. */
export function readFault(path: string, cause: unknown): TailwireError {
  if (cause instanceof TailwireError) return cause;
  const { message } = described(cause);
  const advice = "If it stays so, stop all processes that have it open, and restore the folder from a backup";
  return new TailwireError("store_unavailable", `the disk store in ${path} cannot read: ${message}. ${advice}`, {
    cause,
  });
}

/** LMDB's errors have numbers as codes, those of Node's file system have names. */
function described(cause: unknown): { readonly code: string; readonly message: string } {
  if (!(cause instanceof Error)) return { code: "", message: String(cause) };
  return { code: String((cause as { code?: unknown }).code ?? ""), message: cause.message };
}
