/** Joins a hub to a node:http or node:https server. */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Hub } from "../core/hub.ts";
import { type HandlerOptions, makeHandler } from "./handler.ts";
import { countRequest } from "./request-count.ts";

type RequestListener = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * Serves the hub under a path of a server, WebSocket included. Requests for other routes go to the server's
 * other listeners, or get 404 where there is none. Call it after those have been added.
 * @returns takes it off the server again; open connections live on until the hub closes
 */
export function attach(server: Server | SecureServer, hub: Hub, options: HandlerOptions = {}): () => void {
  const handler = makeHandler(hub, options, () =>
    server.listenerCount("request") === 1 ? (server as Server) : undefined,
  );
  const others = server.listeners("request") as RequestListener[];
  const listen: RequestListener = (req, res) => {
    countRequest(req);
    if (others.length === 0 || handler.handles(req)) handler(req, res);
    else for (const other of others) other.call(server, req, res);
  };
  server.removeAllListeners("request");
  server.on("request", listen);
  server.on("upgrade", handler.upgrade);
  return () => {
    server.off("request", listen);
    server.off("upgrade", handler.upgrade);
    for (const other of others) server.on("request", other);
  };
}
