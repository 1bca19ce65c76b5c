/** A server of a hub, with the pages; it does not listen yet. */

import { createServer, type Server } from "node:http";
import { attach, type Hub } from "../index.ts";
import { readClientScript } from "./client-script.ts";
import { addLab } from "./lab.ts";
import { readPages, servePages } from "./pages.ts";
import { handlerOptions, type ServeOptions, wantsPages } from "./serve-options.ts";

/**
 * What stands before the server has to be the one that ends an idle connection, or a request of its meets the end now and
 * then, and is answered 502 there. Google's balancers keep connections for 600 s, most others for 60; Node for 5.
 */
const KEEP_ALIVE_MS = 620_000;

/** @throws {Failure | TailwireError} for an option that makes no sense */
export function hubServer(hub: Hub, options: ServeOptions): Server {
  const server = createServer();
  // A publish may be an endless stream of lines. The time for a request's head stays limited.
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // The lab watches a page's requests at their sockets, which are in as many processes as there are workers.
  const lab = options.workers === 1;
  const pages = wantsPages(options);
  const files = pages ? readPages(options.path, lab) : [];
  server.on("request", servePages(options.path, new Map([[`${options.path}client.js`, readClientScript()], ...files])));
  attach(server, hub, handlerOptions(options));
  if (pages && lab) addLab(server, options.path);
  return server;
}
