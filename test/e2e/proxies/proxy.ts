/** nginx and HAProxy as the examples configure them, with other ports and paths, in front of nodes of the test. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { AtEnd } from "../client/push-server.ts";
import { realPart } from "../real-parts.ts";

export type ProxyName = "nginx" | "haproxy";

export interface RealProxy {
  /** `http://127.0.0.1:PORT`, HTTP/1.1. */
  readonly url: string;
  /** `https://localhost:PORT`, HTTP/1.1 and HTTP/2, with a certificate that nobody vouches for. */
  readonly secureUrl: string;
}

export interface ProxyOptions {
  /** Changes the configuration further. */
  readonly change?: (config: string) => string;
  readonly atEnd?: AtEnd;
}

/** What to start, and what of its configuration belongs to one machine, in the order of {@link Place}. */
interface Program {
  readonly file: string;
  readonly args: (config: string, folder: string) => readonly string[];
  readonly own: (place: Place) => readonly (readonly [text: string, instead: string])[];
}

interface Place {
  readonly folder: string;
  readonly nodes: readonly [number, number];
  readonly port: number;
  readonly securePort: number;
}

const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
const EXAMPLES = path.resolve(import.meta.dirname, "../../../examples");
const openssl = realPart("openssl");
const parts = { nginx: realPart("nginx"), haproxy: realPart("haproxy") };

const PROGRAMS: Readonly<Record<ProxyName, Program>> = {
  nginx: {
    file: "nginx/nginx.conf",
    args: (config, folder) => ["-p", folder, "-e", "stderr", "-c", config, "-g", "daemon off;"],
    own: ({ folder, port, securePort }) => [
      ["/run/nginx.pid", `${folder}/nginx.pid`],
      ["/var/log/nginx/error.log", "stderr"],
      ["/var/log/nginx/tailwire.log", `${folder}/access.log`],
      ["/etc/nginx/tailwire.crt", `${folder}/tailwire.crt`],
      ["/etc/nginx/tailwire.key", `${folder}/tailwire.key`],
      ["listen 80;", `listen 127.0.0.1:${port};`],
      ["listen 443 ssl http2;", `listen 127.0.0.1:${securePort} ssl http2;`],
    ],
  },
  haproxy: {
    file: "haproxy/haproxy.cfg",
    args: (config) => ["-db", "-q", "-f", config],
    own: ({ folder, port, securePort }) => [
      ["user haproxy", process.getuid?.() === 0 ? "user haproxy" : `user ${userInfo().username}`],
      ["group haproxy", process.getuid?.() === 0 ? "group haproxy" : `gid ${process.getgid?.()}`],
      ["/etc/haproxy/tailwire.pem", `${folder}/tailwire.pem`],
      ["bind :80", `bind 127.0.0.1:${port}`],
      ["bind :443", `bind 127.0.0.1:${securePort}`],
    ],
  },
};

/** Whether one of the programs that a proxy needs is not here: `describe.skipIf(isMissing(name))`. */
export function isMissing(name: ProxyName): boolean {
  return parts[name].missing || openssl.missing;
}

/** The configuration as it is in examples/. */
export function exampleConfig(name: ProxyName): string {
  return readFileSync(path.join(EXAMPLES, PROGRAMS[name].file), "utf8");
}

/** Starts a proxy in front of two ports of this machine, which may be the same, until the test is over. */
export async function startProxy(
  name: ProxyName,
  nodes: readonly [number, number],
  { change = (config) => config, atEnd = onTestFinished }: ProxyOptions = {},
): Promise<RealProxy> {
  const folder = mkdtempSync(path.join(tmpdir(), `tailwire-${name}-`));
  atEnd(async () => rmSync(folder, { recursive: true }));
  const [port, securePort] = (await freePorts(2)) as [number, number];
  writeCertificate(folder);
  const config = path.join(folder, path.basename(PROGRAMS[name].file));
  writeFileSync(config, change(configFor(name, { folder, nodes, port, securePort })));
  const child = spawn(parts[name].path, PROGRAMS[name].args(config, folder), { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  atEnd(async () => {
    child.kill();
    await exited;
  });
  await listening(name, child, port);
  return { url: `http://127.0.0.1:${port}`, secureUrl: `https://localhost:${securePort}` };
}

function configFor(name: ProxyName, place: Place): string {
  const nodes = place.nodes.map((port, index) => [`127.0.0.1:707${index + 1}`, `127.0.0.1:${port}`] as const);
  let config = exampleConfig(name);
  for (const [text, instead] of [...PROGRAMS[name].own(place), ...nodes]) {
    if (config.split(text).length !== 2) throw new Error(`${PROGRAMS[name].file} does not have ${text} once`);
    config = config.replace(text, instead);
  }
  return config;
}

let certificate: readonly [string, string] | undefined;

function writeCertificate(folder: string): void {
  const [certFile, keyFile] = [`${folder}/tailwire.crt`, `${folder}/tailwire.key`];
  if (certificate === undefined) {
    const how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=localhost";
    const files = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", certFile, "-keyout", keyFile];
    execFileSync(openssl.path, [...how.split(" "), ...files], { stdio: "ignore" });
    certificate = [readFileSync(certFile, "utf8"), readFileSync(keyFile, "utf8")];
  }
  const [cert, key] = certificate;
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  writeFileSync(`${folder}/tailwire.pem`, cert + key);
}

/**
 * Ports that nobody listens on, for those who can only be told a port, or come back to it: none of those that the system
 * gives to connections that go out, for it might give one away before it is listened on.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Settles once the program takes connections. @throws {Error} with what it said where it ended instead */
async function listening(name: ProxyName, child: ChildProcess, port: number): Promise<void> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
