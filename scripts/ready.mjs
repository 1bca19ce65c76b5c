/**
 * Makes a clone ready to run: installs what package-lock.json names and builds dist/ from the sources, each only
 * where it is not so already. Runs before `npm start`, `test`, `check` and `bench`, with nothing installed yet, so
 * it imports nothing but Node's own modules.
 *
 * Neither step trusts file times, which a checkout changes: an install is judged by what npm itself wrote last into
 * node_modules, a build by a fingerprint of its sources. So a step that was broken off half-way is done again.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { fingerprint, root, STAMP } from "./fingerprint.mjs";

// Written by npm as the last act of an install.
const INSTALLED = path.join(root, "node_modules", ".package-lock.json");
const LOCK = path.join(root, "package-lock.json");
const BUILD = path.join(root, "scripts", "build.mjs");

if (!isInstalled()) install();
if (!isBuilt()) await build();

function isInstalled() {
  const installed = readJson(INSTALLED)?.packages;
  if (installed === undefined) return false;
  const wanted = readJson(LOCK)?.packages;
  if (wanted === undefined) return !existsSync(LOCK);
  return Object.entries(wanted).every(([name, entry]) => name === "" || isSame(entry, installed[name]));
}

/** A package for another platform is in the lock file only. */
function isSame(wanted, installed) {
  if (installed === undefined) return wanted.optional === true || wanted.devOptional === true;
  return wanted.version === installed.version && wanted.integrity === installed.integrity;
}

/**
 * `npm install --no-save` takes the versions of the lock file and leaves that file alone. `npm ci` would do the same,
 * but refuses to where the registry or the lock file lacks an optional package of some other platform.
 */
function install() {
  say("installing dependencies");
  // Nothing vouches for what an install that was broken off has left.
  rmSync(existsSync(INSTALLED) ? INSTALLED : path.dirname(INSTALLED), { recursive: true, force: true });
  const { status, error } = npm([
    "install",
    "--no-save",
    "--include=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  if (error !== undefined) fail(`npm could not be started: ${error.message}`);
  if (status !== 0 || !isInstalled()) fail("npm install failed, see above; mend that and run the same command again");
}

/** The npm that runs this script where there is one, so that no shell is needed to find it. */
function npm(args) {
  const cli = process.env.npm_execpath ?? "";
  const options = { cwd: root, stdio: ["ignore", "ignore", 2] };
  if (path.basename(cli) === "npm-cli.js") return spawnSync(process.execPath, [cli, ...args], options);
  return spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
}

function isBuilt() {
  if (!existsSync(path.join(root, "dist", "cli", "main.js"))) return false;
  try {
    return readFileSync(STAMP, "utf8") === fingerprint();
  } catch {
    return false;
  }
}

async function build() {
  say("building");
  try {
    (await import(pathToFileURL(BUILD).href)).build();
  } catch (error) {
    fail(`the build failed: ${error.message}`);
  }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function say(what) {
  console.error(`tailwire: ${what} …`);
}

function fail(why) {
  console.error(`tailwire: ${why}`);
  process.exit(1);
}
