/** Proxies that work on bytes: each connection of a client is joined to one of its own to the server. */

import { connect, createServer, type Socket } from "node:net";
import { type Fate, join, type Stages } from "./carry.ts";
import { createLoopback, type Tally } from "./loopback.ts";
import { type HostileProxy, type NetworkOptions, type ProxiedRequest, parseUpstream } from "./network.ts";
import { createHeadReader } from "./request-head.ts";

/** A connection that is meant. */
export interface TunnelConnection {
  /** Decides what becomes of it, at once. */
  decide(fate: Fate): void;
  /** Runs when the client's connection is gone. */
  onClose(run: () => void): void;
}

/** What a proxy does to the connections that are meant. */
export interface TunnelFault {
  /** What their bytes go through. */
  stages?(tally: Tally): Stages;
  /** One has begun. */
  begun?(connection: TunnelConnection): void;
  /** The head of its first request is there. */
  requested?(connection: TunnelConnection): void;
}

/** @throws {TailwireError} `misuse` for a URL that is not `http:` */
export async function startTunnel(url: string, fault: TunnelFault, { only }: NetworkOptions): Promise<HostileProxy> {
  const upstream = parseUpstream(url);
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (only === undefined) begin(client, fault);
    else judge(client, only);
  });
  const loopback = createLoopback(server, upstream);
  const { tally } = loopback;

  /** Nothing goes on before it is known whether the connection is meant. */
  function judge(client: Socket, isMeant: (request: ProxiedRequest) => boolean): void {
    const reader = createHeadReader();
    const take = (chunk: Buffer) => {
      const request = reader.push(chunk);
      if (request === undefined) return;
      client.off("data", take);
      client.off("end", leave);
      client.pause();
      client.unshift(reader.taken);
      begin(client, request !== null && isMeant(request) ? fault : {});
    };
    const leave = () => client.destroy(); // before it asked for anything
    client.on("data", take);
    client.on("end", leave);
  }

  function begin(client: Socket, { stages, begun, requested }: TunnelFault): void {
    const socket = connect({ host: upstream.host, port: upstream.port, allowHalfOpen: true, noDelay: true });
    loopback.keep(socket);
    const decide = join(client, socket, stages?.(tally), count);
    const connection = { decide, onClose: (run: () => void) => void client.on("close", run) };
    watch(client, () => requested?.(connection));
    begun?.(connection);
  }

  function count(fate: Fate): void {
    if (fate !== "dark") tally.cuts += 1;
    tally.faults += 1;
  }

  /** Reads the first request as it goes by. */
  function watch(client: Socket, requested: () => void): void {
    const reader = createHeadReader();
    const take = (chunk: Buffer) => {
      const request = reader.push(chunk);
      if (request === undefined) return;
      client.off("data", take);
      if (request === null) return;
      tally.requests += 1;
      requested();
    };
    client.on("data", take);
  }

  return loopback.listen();
}
