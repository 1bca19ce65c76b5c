/** A worker: serves the connections that the primary hands over, from the logs that the primary has. */

import type { Server } from "node:http";
import { Socket } from "node:net";
import { createHub, type Hub } from "../../index.ts";
import { WorkerStore } from "../../workers/worker-store.ts";
import { endServer } from "../end-server.ts";
import { hubServer } from "../hub-server.ts";
import { hubSettings, type ServeOptions } from "../serve-options.ts";
import { LINK_FD, type ToPrimary, type ToWorker, WORKER_VARIABLE } from "./control.ts";
import { socketLink } from "./socket-link.ts";

/** Whether this process was started by a primary. */
export function isWorker(): boolean {
  return process.env[WORKER_VARIABLE] !== undefined && process.send !== undefined;
}

/** Serves until the primary ends it, or is gone. */
export async function serveAsWorker(options: ServeOptions): Promise<void> {
  // Ctrl-C and a service manager's stop reach every process of the group: it is the primary that ends its workers.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.on("disconnect", () => process.exit(1));
  const socket = new Socket({ fd: LINK_FD });
  const store = new WorkerStore(socketLink(socket), { paced: (channel) => hub.paced(channel) });
  const hub: Hub = createHub({ store, ...hubSettings(options) });
  const server = hubServer(hub, options);
  const arrivals = new Arrivals(server);
  socket.on("close", () => hub.closed || process.exit(1));
  const asked = new Promise<void>((resolve) => {
    process.on("message", (message: ToWorker, connection: Socket | undefined) => {
      if (message === "end") resolve();
      else if (message === "drain") void hub.drain(options.drainMs).then(() => say("drained"));
      else arrivals.take(message.connection, connection);
    });
  });
  say("ready");
  await asked;
  await endServer(server, hub, () => arrivals.close());
  process.exit(0);
}

function say(message: ToPrimary): void {
  process.send?.(message);
}

/** The connections that were handed over, as a server that listens would have accepted them. */
class Arrivals {
  readonly #server: Server;
  #open = 0;
  #closed: (() => void) | undefined;

  constructor(server: Server) {
    this.#server = server;
    // From then on node:http keeps track of connections, for its time-outs and to close them.
    server.emit("listening");
  }

  /** @param connection undefined where it had ended when it came */
  take(id: number, connection: Socket | undefined): void {
    say({ taken: id }); // before anything is read of it: one that is not confirmed goes to another worker
    if (connection === undefined) return;
    this.#open += 1;
    connection.once("close", this.#ended);
    connection.allowHalfOpen = true; // a client may end its side with its request
    this.#server.emit("connection", connection);
  }

  /** Settles when all have ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closed = resolve;
      this.#settle();
    });
  }

  readonly #ended = (): void => {
    this.#open -= 1;
    this.#settle();
  };

  #settle(): void {
    if (this.#open === 0) this.#closed?.();
  }
}
