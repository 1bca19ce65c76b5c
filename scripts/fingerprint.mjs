/** What a build was made from, so that another is made only when that has changed. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = path.resolve(fileURLToPath(import.meta.url), "../..");

/** Holds the fingerprint of what dist/ was built from. */
export const STAMP = path.join(root, "dist", ".built-from");

const FILES = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.mjs"];

/** A hash over the names and contents of everything that a build reads. */
export function fingerprint() {
  const hash = createHash("sha256");
  for (const file of [...FILES, ...sources()]) {
    const content = readIfThere(path.join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function sources() {
  return readdirSync(path.join(root, "src"), { recursive: true })
    .map((name) => path.join("src", name))
    .filter((file) => statSync(path.join(root, file)).isFile())
    .sort();
}

function readIfThere(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
