/**
 * Builds dist/ from src/: TypeScript, the client as one file, the pages that the CLI serves, and the stamp that
 * `ready.mjs` reads. All of it goes into a folder of its own that takes the place of dist/ when it is whole, so a
 * build that is broken off, or that fails, leaves what was there before.
 */

import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { fingerprint, root, STAMP } from "./fingerprint.mjs";

/** What a browser has to know to run the client as one file; the budgets are measured for the same. */
export const BROWSER_TARGET = "es2020";

const DIST = path.join(root, "dist");
const PAGES = path.join("cli", "pages");
// The process in its name keeps two builds at once apart, and tells a live one from leavings.
const UNDER_WAY = /^\.build-(\d+)$/;

/** @throws {Error} where TypeScript finds a fault, which it has then printed */
export function build() {
  removeLeavings();
  const madeFrom = fingerprint();
  const out = path.join(root, `.build-${process.pid}`);
  try {
    compile(out);
    bundleClient(out);
    copyPages(out);
    chmodSync(path.join(out, "cli", "main.js"), 0o755);
    writeFileSync(path.join(out, path.basename(STAMP)), madeFrom);
    rmSync(DIST, { recursive: true, force: true });
    renameSync(out, DIST);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function removeLeavings() {
  for (const name of readdirSync(root)) {
    const pid = UNDER_WAY.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(path.join(root, name), { recursive: true, force: true });
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function compile(out) {
  const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const args = [tsc, "-p", "tsconfig.build.json", "--outDir", out];
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error("TypeScript found what is printed above");
}

/** For a `<script>` tag: all that `tailwire/client` exports, as members of the global `tailwire`. */
function bundleClient(out) {
  const { version, license } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const names = exportsOf(path.join(out, "client", "index.js")).join(", ");
  buildSync({
    // Not esbuild's globalName, whose getters are 180 bytes, gzipped.
    stdin: {
      contents: `import { ${names} } from "./client/index.js"; globalThis.tailwire = { ${names} };`,
      resolveDir: out,
    },
    outfile: path.join(out, "client.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: BROWSER_TARGET,
    banner: { js: `/*! Tailwire ${version}, ${license} licence */` },
    logLevel: "warning",
  });
}

function exportsOf(file) {
  const { metafile } = buildSync({ entryPoints: [file], outdir: path.dirname(file), write: false, metafile: true });
  return Object.values(metafile.outputs).flatMap((output) => output.exports);
}

function copyPages(out) {
  const from = path.join(root, "src", PAGES);
  if (!existsSync(from)) return;
  cpSync(from, path.join(out, PAGES), { recursive: true, filter: (file) => path.extname(file) !== ".ts" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build();
  } catch (error) {
    console.error(`tailwire: the build failed: ${error.message}`);
    process.exitCode = 1;
  }
}
