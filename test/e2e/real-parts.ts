/**
 * Programs of the real world that some tests drive: browsers, curl, Redis, proxies. Where one is not installed its tests are
 * skipped, and one line at the end of the run says so; with TAILWIRE_REQUIRE_REAL=1 they fail.
 *
 *     const chromium = realPart("chromium");
 *     describe.skipIf(chromium.missing)("native EventSource in real Chromium", () => { … chromium.path … });
 */

import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { noteMissing } from "./tell-what-is-missing.ts";

const PARTS = {
  chromium: {
    name: "Chromium",
    variable: "TAILWIRE_CHROMIUM",
    commands: ["chromium", "chromium-browser", "google-chrome"],
    debian: "chromium",
  },
  firefox: {
    name: "Firefox",
    variable: "TAILWIRE_FIREFOX",
    commands: ["firefox-esr", "firefox"],
    debian: "firefox-esr",
  },
  curl: { name: "curl", variable: "TAILWIRE_CURL", commands: ["curl"], debian: "curl" },
  redis: { name: "Redis", variable: "TAILWIRE_REDIS", commands: ["redis-server"], debian: "redis-server" },
  nginx: { name: "nginx", variable: "TAILWIRE_NGINX", commands: ["nginx", "/usr/sbin/nginx"], debian: "nginx" },
  haproxy: {
    name: "HAProxy",
    variable: "TAILWIRE_HAPROXY",
    commands: ["haproxy", "/usr/sbin/haproxy"],
    debian: "haproxy",
  },
  openssl: { name: "OpenSSL", variable: "TAILWIRE_OPENSSL", commands: ["openssl"], debian: "openssl" },
} as const;

export type PartName = keyof typeof PARTS;

/** A program, and whether it is not here: then `path` is its bare name. */
export interface RealPart {
  readonly path: string;
  readonly missing: boolean;
}

/**
 * Finds a program: where its environment variable says, or else on the PATH.
 * @throws {Error} where it is missing and the environment demands it, or the variable names no program
 */
export function realPart(name: PartName, env: NodeJS.ProcessEnv = process.env): RealPart {
  const part = PARTS[name];
  const named = env[part.variable];
  if (named !== undefined && named !== "") {
    if (isProgram(named)) return { missing: false, path: named };
    throw new Error(`${part.variable} is ${named}, which is not a program that can be run`);
  }
  const found = part.commands.flatMap((command) => onPath(command, env)).find(isProgram);
  if (found !== undefined) return { missing: false, path: found };
  const advice = `Install it: apt-get install ${part.debian} (or set ${part.variable} to its path)`;
  if (env.TAILWIRE_REQUIRE_REAL === "1") throw new Error(`${part.name} is missing. ${advice}`);
  noteMissing(`skipped: tests in real ${part.name}. ${advice}`, env);
  return { missing: true, path: part.commands[0] };
}

function onPath(command: string, env: NodeJS.ProcessEnv): readonly string[] {
  const folders = (env.PATH ?? "").split(path.delimiter).filter((folder) => folder !== "");
  return path.isAbsolute(command) ? [command] : folders.map((folder) => path.join(folder, command));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
