/** The orderly end of a server. */

import type { Server } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { Hub } from "../index.ts";

/** How long clients have to take their last bytes and go, in milliseconds. */
const GRACE_MS = 1000;
/** How often connections are looked for that have become idle, in milliseconds. */
const SWEEP_MS = 20;

/**
 * Stops accepting, closes the hub, and gives clients a second to go.
 * @param close settles when the last connection has ended
 */
export async function endServer(server: Server, hub: Hub, close = () => closeServer(server)): Promise<void> {
  const closed = close();
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  await Promise.race([Promise.all([closed, hub.close()]), wait(GRACE_MS)]);
  clearInterval(sweep);
  server.closeAllConnections();
}

function closeServer(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}
