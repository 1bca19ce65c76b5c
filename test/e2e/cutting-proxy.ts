/** A TCP proxy that breaks connections off: what is between a browser and a server in the real world. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface CuttingProxy {
  readonly port: number;
  readonly url: string;
  /** How many connections there have been. */
  readonly accepted: number;
  /** Destroys every connection. Those that come then wait until {@link release}. */
  cut(): void;
  /** Lets the connections through again. */
  release(): void;
}

/** A proxy to a port of this machine, until the test is over. */
export async function cuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let held: Socket[] | undefined;
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    keep(socket, sockets);
    if (held === undefined) join(socket);
    else held.push(socket);
  });

  function join(client: Socket): void {
    if (client.destroyed) return;
    const upstream = connect(target, "127.0.0.1");
    keep(upstream, sockets);
    client.pipe(upstream).pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  }

  const cut = () => {
    held = [];
    for (const socket of sockets) socket.destroy();
  };
  const release = () => {
    const waiting = held ?? [];
    held = undefined;
    for (const socket of waiting) join(socket);
  };

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    const closed = once(server, "close");
    server.close();
    cut();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get accepted() {
      return accepted;
    },
    cut,
    release,
  };
}

function keep(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on("error", () => {}); // told by close
  socket.on("close", () => sockets.delete(socket));
}
