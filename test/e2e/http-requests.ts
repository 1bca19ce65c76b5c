/** How many requests node:http reads of a server's connections. */

import type { Server } from "node:http";

/** Counts without being in the way: requests are looked at before Tailwire's listener, which stays the only one. */
export function countRequests(server: Server): () => number {
  let requests = 0;
  const emit = server.emit.bind(server);
  server.emit = ((event: string, ...args: unknown[]) => {
    if (event === "request") requests += 1;
    return emit(event, ...args);
  }) as Server["emit"];
  return () => requests;
}
