/** What the tests of the networks work with: a network between a bare connection and a server that is written by hand. */

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type HostileNetwork, type HostileProxy, ManualClock } from "../../../src/testing/index.ts";
import { turn } from "../../../src/testing/waiting.ts";
import { type Queue, queue } from "../../e2e/queue.ts";
import { RawConnection, rawConnection } from "../../e2e/raw-connection.ts";

/** A server that says what the test says. */
export interface RawServer {
  readonly url: string;
  /** Its next connection. */
  accepted(): Promise<RawConnection>;
}

export async function rawServer(path = ""): Promise<RawServer> {
  const connections: Queue<RawConnection> = queue();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay();
    onTestEnd.push(() => socket.destroy());
    connections.push(new RawConnection(socket));
  });
  const onTestEnd: (() => void)[] = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const end of onTestEnd) end();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${path}`, accepted: () => connections.next() };
}

export interface Between {
  readonly clock: ManualClock;
  readonly proxy: HostileProxy;
  /** A new connection of a client. */
  client(): Promise<RawConnection>;
  /** The server's side of the next connection that the proxy makes. */
  server(): Promise<RawConnection>;
}

/**
 * Puts a network before a server that is written by hand, until the test is over.
 * @param url of another server
 */
export async function between(network: HostileNetwork, url?: string): Promise<Between> {
  const clock = new ManualClock();
  const upstream = await rawServer();
  const proxy = await network.start(url ?? upstream.url, { clock });
  onTestFinished(() => proxy.close());
  const port = Number(new URL(proxy.url).port);
  return { clock, proxy, client: () => rawConnection(port), server: () => upstream.accepted() };
}

/** How the other side ended: in order, or with a reset. */
export async function ending({ socket }: RawConnection): Promise<"fin" | "reset"> {
  socket.resume();
  if (!socket.readableEnded && !socket.destroyed) {
    await new Promise<void>((resolve) => {
      socket.on("end", resolve);
      socket.on("close", () => resolve());
    });
  }
  return socket.readableEnded ? "fin" : "reset";
}

/** Takes a request's head; gives its lines. */
export async function requestHead(connection: RawConnection): Promise<readonly string[]> {
  return (await connection.takeTo("\r\n\r\n")).split("\r\n");
}

/** A head with LF for line breaks, as it reads well in a test. */
export function crlf(text: string): string {
  return `${text.trim().replace(/\n\s*/g, "\r\n")}\r\n\r\n`;
}

export interface Asked {
  readonly client: RawConnection;
  /** The server's side, where the request's head has been read. */
  readonly server: RawConnection;
  /** The lines of that head. */
  readonly lines: readonly string[];
}

/** Sends a request, and waits until it has reached the server. */
export async function ask(net: Between, send: string | ((client: RawConnection) => void) = GET): Promise<Asked> {
  const client = await net.client();
  if (typeof send === "string") client.send(send);
  else send(client);
  const server = await net.server();
  return { client, server, lines: await requestHead(server) };
}

export const GET = crlf("GET / HTTP/1.1\nHost: test");
export const HANDSHAKE = crlf(
  "GET /ws HTTP/1.1\nHost: test\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: k",
);
export const SWITCHED = crlf(
  "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: a",
);

/** Until the system takes no more of what is written. */
export async function stalled(socket: Socket): Promise<void> {
  let before = -1;
  for (let same = 0; same < 100; same += 1) {
    await turn();
    if (socket.writableLength !== before) same = 0;
    before = socket.writableLength;
  }
}

/** Long enough for whatever is on its way to arrive, where nothing says that it has not. */
export async function turns(): Promise<void> {
  for (let count = 0; count < 50; count += 1) await turn();
}
