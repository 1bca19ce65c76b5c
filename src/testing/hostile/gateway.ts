/** Proxies that work on requests and answers: intermediaries of HTTP/1.1 (RFC 9110, 7), on node:http. */

import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createExchange, type Exchange } from "./exchange.ts";
import { type AnswerFault, forward } from "./forward.ts";
import { headWithoutUpgrade } from "./head.ts";
import { createLoopback } from "./loopback.ts";
import { type HostileProxy, type NetworkOptions, parseUpstream } from "./network.ts";

/** What a proxy does to the requests that are meant. What is left out goes through. */
export interface GatewayFault extends AnswerFault {
  /** A request to switch to WebSocket goes on as an ordinary one. */
  readonly stripsUpgrade?: boolean;
  /** A request has come. True: it is dealt with, and does not go on. */
  take?(exchange: Exchange): boolean;
}

/** @throws {TailwireError} `misuse` for a URL that is not `http:` */
export async function startGateway(url: string, fault: GatewayFault, { only }: NetworkOptions): Promise<HostileProxy> {
  const upstream = parseUpstream(url);
  // It is the server's to say when a connection was idle for too long, or a request too slow, …
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  // … and whether a client that has ended its side is still answered.
  Object.assign(server, { httpAllowHalfOpen: true });
  const loopback = createLoopback(server, upstream);
  const agent = new Agent({ keepAlive: false });
  const { tally } = loopback;

  /** Requests that have been judged and come again. */
  const judged = new WeakMap<Socket, GatewayFault>();
  /** The newest answer on each connection. */
  const newest = new WeakMap<Socket, ServerResponse>();

  server.on("request", onRequest);
  server.on("checkContinue", onRequest);
  server.on("upgrade", (incoming, client, head) => {
    inTurn(client as Socket, () => onUpgrade(incoming, head));
  });

  function onRequest(incoming: IncomingMessage, outgoing: ServerResponse): void {
    inTurn(incoming.socket, () => serve(createExchange(incoming, tally, outgoing), judge(incoming)));
    newest.set(incoming.socket, outgoing);
  }

  /** One request of a connection at a time, so that also what publishes goes on in order (RFC 9112, 9.3.2). */
  function inTurn(client: Socket, run: () => void): void {
    const before = newest.get(client);
    if (before === undefined || before.closed) run();
    else before.on("close", () => client.destroyed || run());
  }

  function onUpgrade(incoming: IncomingMessage, head: Buffer): void {
    const faulty = judge(incoming);
    // RFC 9110, 7.8: Upgrade is for the next neighbour only, so one who does not speak the protocol drops it.
    const isWebSocket = incoming.headers.upgrade?.toLowerCase() === "websocket";
    const strips = isWebSocket && faulty.stripsUpgrade === true;
    if (strips) tally.faults += 1;
    if (strips || !isWebSocket) putBack(incoming, head, faulty);
    else serve(createExchange(incoming, tally), faulty, head);
  }

  function judge({ method = "GET", url: path = "/", headers, socket }: IncomingMessage): GatewayFault {
    const before = judged.get(socket);
    judged.delete(socket);
    if (before !== undefined) return before;
    return only === undefined || only({ method, url: path, headers }) ? fault : {};
  }

  /** Node documents that a stream may be handed to a server by a `connection` event. */
  function putBack(incoming: IncomingMessage, head: Buffer, faulty: GatewayFault): void {
    const client = incoming.socket;
    judged.set(client, faulty);
    client.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(incoming), "latin1"), head]));
    server.emit("connection", client);
  }

  function serve(exchange: Exchange, faulty: GatewayFault, head?: Buffer): void {
    tally.requests += 1;
    if (faulty.take?.(exchange) === true) endWithClient(exchange);
    else forward(exchange, { upstream, agent, loopback, fault: faulty }, head);
  }

  return loopback.listen();
}

function endWithClient({ client, outgoing }: Exchange): void {
  const end = () => client.end();
  client.on("end", end);
  outgoing.on("close", () => client.off("end", end));
}
