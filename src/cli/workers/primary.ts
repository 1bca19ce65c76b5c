/** `tailwire serve --workers N`: the process that has the port and the logs, and lets others do the work. */

import { createServer } from "node:net";
import { createHandler, createHub } from "../../index.ts";
import { StoreServer } from "../../workers/store-server.ts";
import { announce, listen } from "../listen.ts";
import type { OpenedStore } from "../open-store.ts";
import { handlerOptions, hubSettings, type ServeOptions, wantsPages } from "../serve-options.ts";
import { firstSignal } from "../signals.ts";
import { readSnapshot } from "../snapshot-file.ts";
import { thenExit } from "../then-exit.ts";
import { Pool } from "./pool.ts";

/**
 * Serves until it is ended.
 * @throws {Failure} where it cannot begin
 */
export async function serveWithWorkers(options: ServeOptions, { store, snapshots }: OpenedStore): Promise<void> {
  refuseBadOptions(options);
  const snapshot = await readSnapshot(options.snapshot, snapshots);
  const logs = new StoreServer(store);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const address = await listen(server, options);
  await thenExit(async () => {
    snapshot.take(); // no connection has been handed over yet
    const signal = firstSignal();
    const pool = new Pool({ count: options.workers, join: (link) => logs.join(link) });
    server.on("connection", (connection) => pool.take(connection.on("error", () => {})));
    try {
      await Promise.race([serveUntilBroken(pool, () => announce(address, options)), signal]);
      await pool.drain(options.drainMs);
    } finally {
      server.close();
      await pool.end();
      await store.close?.();
      await snapshot.write(); // also where workers cannot go on: the logs are here
    }
  });
}

async function serveUntilBroken(pool: Pool, ready: () => void): Promise<never> {
  await pool.ready;
  ready();
  return pool.broken;
}

/** Once and here, not by each worker. */
function refuseBadOptions(options: ServeOptions): void {
  wantsPages(options);
  createHandler(createHub(hubSettings(options)), handlerOptions(options));
}
