/** `tailwire serve`: a hub with a server of its own. */

import { createServer, type Server } from "node:http";
import { type AddressInfo, BlockList, isIPv6 } from "node:net";
import { type Command, Option } from "commander";
import { attach, createHub, type HandlerOptions, type HubOptions } from "../index.ts";
import { readClientScript } from "./client-script.ts";
import { endServer } from "./end-server.ts";
import { Failure } from "./failure.ts";
import { addLab } from "./lab.ts";
import { readPages, servePages } from "./pages.ts";
import { onFirstSignal } from "./signals.ts";
import { tell } from "./tell.ts";
import { basePath, host, wholeNumber, yesOrNo } from "./values.ts";

interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly flushMs: number;
  readonly heartbeatMs: number;
  readonly maxBufferedBytes: number;
  readonly maxEventBytes: number;
  readonly pages: boolean;
  readonly legacyTransports?: boolean;
  readonly allowOrigin?: readonly string[];
  readonly compression?: boolean;
  readonly maxIframeBytes: number;
}

const MIB = 1024 * 1024;
/** The longest time that a timer takes; a longer one would be over at once. */
const LONGEST_MS = 2 ** 31 - 1;

const EXAMPLES = `
Each option is also an environment variable, which the option wins over.
--no-pages is TAILWIRE_NO_PAGES=1 (or true, yes, on; 0, false, no, off leave the pages in), --legacy-transports is
TAILWIRE_LEGACY_TRANSPORTS=1, and --compression is TAILWIRE_COMPRESSION=1. TAILWIRE_ALLOW_ORIGIN takes several origins
with commas or spaces between.

Examples:
  $ tailwire serve
  $ tailwire serve --port 0 --path /push --no-pages
  $ TAILWIRE_MAX_EVENTS=10000 TAILWIRE_MAX_BYTES=10485760 tailwire serve`;

/** Adds the command. */
export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .description("serve channels over HTTP: publish with POST, subscribe with GET on /channels/NAME")
    .addHelpText("after", EXAMPLES)
    .action(serve);
  const count = wholeNumber(1);
  const duration = wholeNumber(1, LONGEST_MS);
  const add = (
    flags: string,
    description: string,
    parse: (text: string) => number | string,
    value: number | string,
  ) => {
    const option = new Option(flags, description).argParser(parse).default(value);
    command.addOption(option.env(`TAILWIRE_${option.name().toUpperCase().replaceAll("-", "_")}`));
  };
  add("--port <number>", "port to listen on; 0 picks a free one", wholeNumber(0, 65_535), 7070);
  add("--host <host>", "name or address to listen on", host, "127.0.0.1");
  add("--path <path>", "base path of all routes", basePath, "/");
  add("--max-events <count>", "events kept of each channel", count, 1000);
  add("--max-bytes <bytes>", "bytes kept of each channel", count, MIB);
  add("--max-age-ms <ms>", "how long an event is kept", duration, 3_600_000);
  add("--flush-ms <ms>", "least time between two writes of a busy channel", wholeNumber(0, LONGEST_MS), 5);
  add("--heartbeat-ms <ms>", "silence after which a heartbeat is sent", duration, 15_000);
  add("--max-buffered-bytes <bytes>", "unsent bytes past which a connection is slow", count, MIB);
  add("--max-event-bytes <bytes>", "the largest event", count, MIB);
  add("--max-iframe-bytes <bytes>", "the longest page of the transport iframe", count, MIB);
  command.addOption(
    new Option("--allow-origin <origin>", "whose pages may have a frame of this server, beside its own; repeatable")
      .argParser((text, before: readonly string[] = []) => [...before, ...text.split(/[\s,]+/)])
      .env("TAILWIRE_ALLOW_ORIGIN"),
  );
  command.addOption(
    new Option("--legacy-transports", "serve scripts and frames too (env: TAILWIRE_LEGACY_TRANSPORTS=1)"),
  );
  command.addOption(
    new Option("--compression", "compress what is sent, once for all who can take it (env: TAILWIRE_COMPRESSION=1)"),
  );
  command.addOption(new Option("--no-pages", "leave out the landing page and the demos (env: TAILWIRE_NO_PAGES=1)"));
}

async function serve(options: ServeOptions): Promise<void> {
  const hub = createHub(hubOptions(options));
  const server = createServer();
  // A publish may be an endless stream of lines. The time for a request's head stays limited.
  server.requestTimeout = 0;
  const pages = options.pages && !isSet("TAILWIRE_NO_PAGES");
  const files = new Map([[`${options.path}client.js`, readClientScript()], ...(pages ? readPages(options.path) : [])]);
  server.on("request", servePages(options.path, files));
  attach(server, hub, handlerOptions(options));
  if (pages) addLab(server, options.path);
  await listen(server, options);
  onFirstSignal(() => void endServer(server, hub).then(exit));
  const { address, port } = server.address() as AddressInfo;
  if (!isLoopback(address)) {
    tell(`warning: ${options.host} is open to other machines, and this version has no authorisation yet`);
  }
  const name = isIPv6(options.host) ? `[${options.host}]` : options.host;
  console.log(`tailwire listening on http://${name}:${port}${options.path.replace(/\/$/, "")}`);
}

function hubOptions(options: ServeOptions): HubOptions {
  const { maxEvents, maxBytes, maxAgeMs, flushMs, heartbeatMs, maxBufferedBytes, maxEventBytes } = options;
  return { retention: { maxEvents, maxBytes, maxAgeMs }, flushMs, heartbeatMs, maxBufferedBytes, maxEventBytes };
}

function handlerOptions(options: ServeOptions): HandlerOptions {
  const { path, legacyTransports, allowOrigin = [], maxIframeBytes, compression } = options;
  return {
    path,
    legacyTransports: legacyTransports ?? isSet("TAILWIRE_LEGACY_TRANSPORTS"),
    allowOrigins: allowOrigin,
    maxIframeBytes,
    compression: compression ?? isSet("TAILWIRE_COMPRESSION"),
  };
}

/** Not an `env` of its option, for which any value at all would be a yes. */
function isSet(variable: string): boolean {
  const text = process.env[variable] ?? "0";
  const set = yesOrNo(text);
  if (set !== undefined) return set;
  throw new Failure(`${variable} is 1 or 0, not ${JSON.stringify(text)}`, { exitCode: 2 });
}

/** @throws {Failure} where that cannot be listened on */
function listen(server: Server, { port, host }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenFailure(error, port, host)));
    server.listen(port, host, resolve);
  });
}

function listenFailure(error: NodeJS.ErrnoException, port: number, host: string): Failure {
  const { code, message, cause = error } = error;
  if (code === "EADDRINUSE")
    return new Failure(`port ${port} of ${host} is in use; --port 0 picks a free one`, { cause });
  if (code === "EACCES") return new Failure(`port ${port} of ${host} is not for this user to listen on`, { cause });
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EADDRNOTAVAIL" || code === "EINVAL") {
    return new Failure(`--host ${host} is no name or address of this machine (${code})`, { exitCode: 2, cause });
  }
  return new Failure(`cannot listen on port ${port} of ${host}: ${message}`, { cause });
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8);
  loopback.addAddress("::1", "ipv6");
  return loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function exit(): never {
  // Clients that hang on would keep the process.
  process.exit(0);
}
