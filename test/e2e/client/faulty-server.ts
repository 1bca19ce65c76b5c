/** A server that is right, but for the requests that a test answers itself. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { createHandler, createHub, type Hub, type HubOptions } from "../../../src/index.ts";
import { listen } from "../serve.ts";

export interface Faults {
  /** Answers a request and returns true, or leaves it to the hub. */
  readonly http?: (req: IncomingMessage, res: ServerResponse) => boolean;
  /** Speaks on a WebSocket and returns true, or leaves it to the hub. */
  readonly webSocket?: (req: IncomingMessage) => ((socket: WebSocket) => void) | undefined;
}

export interface FaultyServer {
  readonly hub: Hub;
  readonly url: string;
  /** All requests, upgrades included. */
  readonly requests: readonly IncomingMessage[];
}

/** Serves until the test is over. */
export async function faultyServer(faults: Faults, options: HubOptions = {}): Promise<FaultyServer> {
  const hub = createHub(options);
  const handler = createHandler(hub);
  const requests: IncomingMessage[] = [];
  const webSockets = new WebSocketServer({ noServer: true });
  const server = createServer((req, res) => {
    requests.push(req);
    if (!faults.http?.(req, res)) handler(req, res);
  });
  server.on("upgrade", (req, socket, head) => {
    requests.push(req);
    const speak = faults.webSocket?.(req);
    if (speak === undefined) handler.upgrade(req, socket, head);
    else webSockets.handleUpgrade(req, socket, head, speak);
  });
  const { url } = await listen(server);
  onTestFinished(async () => {
    for (const socket of webSockets.clients) socket.terminate();
    await hub.close();
  });
  return { hub, url, requests };
}
