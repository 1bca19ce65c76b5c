/** `tailwire serve`: a hub with a server of its own. */

import { type Command, Option } from "commander";
import { createHub } from "../index.ts";
import { endServer } from "./end-server.ts";
import { Failure } from "./failure.ts";
import { hubServer } from "./hub-server.ts";
import { announce, listen } from "./listen.ts";
import { type OpenedStore, openStore } from "./open-store.ts";
import { hubSettings, retention, type ServeOptions } from "./serve-options.ts";
import { firstSignal } from "./signals.ts";
import { readSnapshot } from "./snapshot-file.ts";
import { storePlace } from "./store-place.ts";
import { thenExit } from "./then-exit.ts";
import { basePath, host, wholeNumber } from "./values.ts";
import { serveWithWorkers } from "./workers/primary.ts";
import { isWorker, serveAsWorker } from "./workers/worker.ts";

const MIB = 1024 * 1024;
/** The standalone server's events outlive it. */
const DISK = storePlace("disk:");
/** More than any machine has cores for. */
const MAX_WORKERS = 1024;
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
  const add = <T>(flags: string, description: string, parse: (text: string) => T, value: T, shown?: string) => {
    const option = new Option(flags, description).argParser(parse).default(value, shown);
    command.addOption(option.env(`TAILWIRE_${option.name().toUpperCase().replaceAll("-", "_")}`));
  };
  add("--port <number>", "port to listen on; 0 picks a free one", wholeNumber(0, 65_535), 7070);
  add("--host <host>", "name or address to listen on", host, "127.0.0.1");
  add("--path <path>", "base path of all routes", basePath, "/");
  add("--workers <count>", "processes that serve; more than 1 leave out the lab", wholeNumber(1, MAX_WORKERS), 1);
  add("--store <place>", "memory:, disk:PATH or redis://HOST: where events are kept", storePlace, DISK, ".tailwire/");
  add("--max-events <count>", "events kept of each channel", count, 1000);
  add("--max-bytes <bytes>", "bytes kept of each channel", count, MIB);
  add("--max-age-ms <ms>", "how long an event is kept", duration, 3_600_000);
  add("--flush-ms <ms>", "least time between two writes of a busy channel", wholeNumber(0, LONGEST_MS), 5);
  add("--heartbeat-ms <ms>", "silence after which a heartbeat is sent", duration, 15_000);
  add("--max-buffered-bytes <bytes>", "unsent bytes past which a connection is slow", count, MIB);
  add("--max-event-bytes <bytes>", "the largest event", count, MIB);
  add("--drain-ms <ms>", "longest time between a signal to end and the end", wholeNumber(0, LONGEST_MS), 10_000);
  add("--max-iframe-bytes <bytes>", "the longest page of the transport iframe", count, MIB);
  command.addOption(
    new Option("--snapshot <file>", "file that hands the logs over to the next process, at an orderly end").env(
      "TAILWIRE_SNAPSHOT",
    ),
  );
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
  if (isWorker()) {
    await serveAsWorker(options);
    return;
  }
  refuseSnapshotOf(options);
  const opened = await openStore(options.store, retention(options));
  try {
    if (options.workers > 1) await serveWithWorkers(options, opened);
    else await serveAlone(options, opened);
  } catch (error) {
    await opened.store.close?.(); // or it would keep the process
    throw error;
  }
}

/** Before a store is opened, which may leave a folder behind. */
function refuseSnapshotOf({ store, snapshot }: ServeOptions): void {
  if (snapshot === undefined || store.kind === "memory") return;
  throw new Failure("--snapshot hands over logs that are in memory: it goes with --store memory:", { exitCode: 2 });
}

async function serveAlone(options: ServeOptions, { store, snapshots }: OpenedStore): Promise<void> {
  const hub = createHub({ store, ...hubSettings(options) });
  const server = hubServer(hub, options);
  const snapshot = await readSnapshot(options.snapshot, snapshots);
  const address = await listen(server, options);
  await thenExit(async () => {
    snapshot.take(); // no request has been read yet
    const signal = firstSignal();
    announce(address, options);
    await signal;
    await hub.drain(options.drainMs);
    await endServer(server, hub);
    await snapshot.write();
  });
}
