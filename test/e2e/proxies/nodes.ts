/** Two nodes on one store, each a node:http server of its own that can crash and come back, with a page for a client. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { endServer } from "../../../src/cli/end-server.ts";
import {
  attach,
  createHub,
  type HandlerOptions,
  type Hub,
  type HubOptions,
  memoryStore,
  type Purgeable,
  type Store,
} from "../../../src/index.ts";
import { type Conditions, conditions } from "../client/conditions.ts";
import { pageScript } from "../client/page-driver.ts";
import type { AtEnd } from "../client/push-server.ts";
import { freePorts } from "./proxy.ts";

export interface NodesOptions {
  readonly hub?: HubOptions;
  readonly handler?: HandlerOptions;
  readonly atEnd?: AtEnd;
}

export interface Nodes {
  readonly a: Node;
  readonly b: Node;
  readonly ports: readonly [number, number];
  /** A third hub on their store, for what the test publishes itself. */
  readonly hub: Hub;
  /** All requests that node:http read at both, but for those that ask whether a node is ready. */
  readonly requests: readonly IncomingMessage[];
  /** Settles once both have so many subscriptions together. */
  whenSubscriptions(count: number): Promise<void>;
}

const PAGE = '<!doctype html><meta charset="utf-8"><title>a page</title><body><script src="/script.js"></script>';

/** Starts both, until the test is over. */
export async function startNodes(options: NodesOptions = {}): Promise<Nodes> {
  const { atEnd = onTestFinished } = options;
  const ports = (await freePorts(2)) as [number, number];
  const store = memoryStore({ retention: { maxEvents: 10_000, maxBytes: 64 * 1024 * 1024 } });
  const hub = createHub({ store });
  const requests: IncomingMessage[] = [];
  const watch = conditions();
  const [a, b] = ports.map((port) => new Node(port, withoutClose(store), requests, watch, options)) as [Node, Node];
  await a.begin();
  await b.begin();
  atEnd(async () => {
    await Promise.all([a.crash(), b.crash()]);
    await hub.close();
  });
  const subscriptions = () => a.subscriptions + b.subscriptions;
  return {
    ...{ a, b, ports, hub, requests },
    whenSubscriptions: (count) =>
      watch.until(
        `${count} subscriptions`,
        () => subscriptions() === count,
        () => `${subscriptions()}`,
      ),
  };
}

export class Node {
  readonly port: number;
  readonly #store: Store;
  readonly #requests: IncomingMessage[];
  readonly #watch: Conditions;
  readonly #options: NodesOptions;
  readonly #sockets = new Set<Socket>();
  #follows = 0;
  #server: Server | undefined;
  #hub: Hub | undefined;

  constructor(
    port: number,
    store: Store & Purgeable,
    requests: IncomingMessage[],
    watch: Conditions,
    options: NodesOptions,
  ) {
    this.port = port;
    this.#store = { ...store, follow: (channel, listener) => this.#counted(store.follow(channel, listener)) };
    this.#requests = requests;
    this.#watch = watch;
    this.#options = options;
  }

  /** How many channels its clients are subscribed to. */
  get subscriptions(): number {
    return this.#follows;
  }

  async begin(): Promise<void> {
    const { hub, handler } = this.#options;
    this.#hub = createHub({ ...hub, store: this.#store });
    this.#server = createServer();
    attach(this.#server, this.#hub, { path: "/push", legacyTransports: true, ...handler });
    this.#server.emit = this.#looking(this.#server);
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Tells its clients to go, and refuses who comes, but goes on listening. */
  async refuse(): Promise<void> {
    await this.#hub?.close();
  }

  /** Ends in order, as `tailwire serve` does on SIGTERM. */
  async shutDown(): Promise<void> {
    if (this.#server === undefined || this.#hub === undefined) return;
    await endServer(this.#server, this.#hub);
    this.#server = undefined;
  }

  /** Ends as a process that is killed. */
  async crash(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
    await this.#hub?.close();
  }

  /** Looks at what comes in before Tailwire's listener, which stays the only one, as in `tailwire serve`. */
  #looking(server: Server): Server["emit"] {
    const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
    return ((event: string, ...args: unknown[]) => {
      if (event === "connection") this.#keep(args[0] as Socket);
      if (event !== "request" && event !== "upgrade") return emit(event, ...args);
      const [req, res] = args as [IncomingMessage, ServerResponse];
      if (req.url === "/readyz") void this.#answerReady(res);
      else this.#requests.push(req);
      if (req.url?.startsWith("/push/") === true) return emit(event, ...args);
      if (req.url !== "/readyz") servePage(req, res);
      return true;
    }) as Server["emit"];
  }

  /** As `/readyz` does, which is under the hub's path here. */
  async #answerReady(res: ServerResponse): Promise<void> {
    const status = await this.#hub?.ready().then(
      () => 200,
      () => 503,
    );
    res.writeHead(status ?? 503).end();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #counted(unfollow: () => void): () => void {
    this.#follows += 1;
    this.#watch.changed();
    return () => {
      unfollow();
      this.#follows -= 1;
      this.#watch.changed();
    };
  }
}

/** A node that ends leaves the store to the other. */
function withoutClose(store: Store & Purgeable): Store & Purgeable {
  return {
    append: (channel, input) => store.append(channel, input),
    read: (channel, from, limit) => store.read(channel, from, limit),
    follow: (channel, listener) => store.follow(channel, listener),
    purge: (channel) => store.purge(channel),
  };
}

/** Whatever else is asked for, such as an icon, is the page: a request that is not answered holds others up. */
function servePage({ url }: IncomingMessage, res: ServerResponse): void {
  const isScript = url === "/script.js";
  res.setHeader("Content-Type", `text/${isScript ? "javascript" : "html"}; charset=utf-8`);
  res.end(isScript ? pageScript() : PAGE);
}
