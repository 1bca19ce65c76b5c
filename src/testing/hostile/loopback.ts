/** What every proxy has: a port of loopback, books of what came and went, and an end to all of it. */

import type { AddressInfo, Server, Socket } from "node:net";
import type { HostileProxy, ProxyCounts, Upstream } from "./network.ts";

/** The part of the books that the proxies keep themselves. */
export type Tally = { -readonly [Name in "requests" | "faults" | "cuts" | "overflows"]: number };

export interface Loopback {
  readonly tally: Tally;
  /** Ends this socket with the proxy. */
  keep(socket: Socket): void;
  /** Runs when the proxy ends. */
  onClose(run: () => void): void;
  /** Lets the server listen. */
  listen(): Promise<HostileProxy>;
}

/** @param server of node:net or node:http, with its listeners */
export function createLoopback(server: Server, upstream: Upstream): Loopback {
  const tally: Tally = { requests: 0, faults: 0, cuts: 0, overflows: 0 };
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const gone = { connections: 0, bytesToServer: 0, bytesToClient: 0 };
  const ends: (() => void)[] = [];
  let closing: Promise<void> | undefined;

  function keep(socket: Socket): void {
    if (sockets.has(socket)) return;
    sockets.add(socket);
    socket.on("error", () => {}); // told by close
    socket.on("close", () => sockets.delete(socket));
    if (closing !== undefined) socket.destroy();
  }

  // An upgrade that goes back into the server comes here again.
  server.prependListener("connection", (socket: Socket) => {
    if (clients.has(socket)) return;
    keep(socket);
    clients.add(socket);
    socket.setNoDelay();
    socket.on("close", () => {
      clients.delete(socket);
      gone.connections += 1;
      gone.bytesToServer += socket.bytesRead;
      gone.bytesToClient += socket.bytesWritten;
    });
  });

  function counts(): ProxyCounts {
    let [bytesToServer, bytesToClient] = [gone.bytesToServer, gone.bytesToClient];
    for (const { bytesRead, bytesWritten } of clients) {
      bytesToServer += bytesRead;
      bytesToClient += bytesWritten;
    }
    return { ...tally, connections: gone.connections + clients.size, bytesToServer, bytesToClient };
  }

  function close(): Promise<void> {
    closing ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const end of ends) end();
      for (const socket of sockets) socket.destroy();
    });
    return closing;
  }

  return {
    tally,
    keep,
    onClose: (run) => void ends.push(run),
    async listen() {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
      });
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}${upstream.path}`;
      return {
        url,
        get counts() {
          return counts();
        },
        close,
      };
    },
  };
}
