/** `tailwire serve --workers N`: the process that has the port and the logs, and lets others do the work. */

import { createServer } from "node:net";
import { createHandler, createHub, memoryStore } from "../../index.ts";
import { StoreServer } from "../../workers/store-server.ts";
import { announce, listen } from "../listen.ts";
import { handlerOptions, hubSettings, retention, type ServeOptions, wantsPages } from "../serve-options.ts";
import { onFirstSignal } from "../signals.ts";
import { Pool } from "./pool.ts";

/**
 * Serves until it is ended.
 * @throws {Failure} where it cannot begin, or workers end again and again
 */
export async function serveWithWorkers(options: ServeOptions): Promise<void> {
  const store = memoryStore({ retention: retention(options) });
  refuseBadOptions(options);
  const logs = new StoreServer(store);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  const address = await listen(server, options);
  const pool = new Pool({ count: options.workers, join: (link) => logs.join(link) });
  server.on("connection", (connection) => pool.take(connection.on("error", () => {})));
  try {
    await pool.ready;
    onFirstSignal(() => {
      server.close();
      void pool.end().then(() => process.exit(0));
    });
    announce(address, options);
    await pool.broken;
  } finally {
    server.close();
    await pool.end();
  }
}

/** Once and here, not by each worker. */
function refuseBadOptions(options: ServeOptions): void {
  wantsPages(options);
  createHandler(createHub(hubSettings(options)), handlerOptions(options));
}
