/** A server under test, with a page for its clients: what goes on in it can be watched, cut, and begun anew. */

import { type EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";
import { createHandler, createHub, type Hub, type HubOptions } from "../../../src/index.ts";
import { conditions } from "./conditions.ts";
import { pageScript } from "./page-driver.ts";

/** Takes what is to be done when a test is over: `onTestFinished`, that of its context where tests run side by side. */
export type AtEnd = (end: () => Promise<void>) => void;

const PAGE = '<!doctype html><meta charset="utf-8"><title>a page</title><body><script src="/script.js"></script>';

export class PushServer {
  /** Everything that is not Tailwire's is this page, which has a client's script. Tailwire is at `/push`. */
  readonly url: string;
  /** The same, to a browser of another origin. */
  readonly otherUrl: string;
  readonly port: number;
  /** Every request for a route of Tailwire's, upgrades included. */
  readonly requests: IncomingMessage[] = [];
  readonly #options: HubOptions;
  readonly #sockets = new Set<Socket>();
  readonly #subscribed = new Set<object>();
  readonly #conditions = conditions();
  #server: Server;
  #hub: Hub;
  /** What waits for {@link release}; undefined where nothing has to. */
  #held: (() => void)[] | undefined;

  private constructor(options: HubOptions, server: Server, hub: Hub) {
    this.#options = options;
    this.#server = server;
    this.#hub = hub;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
    this.otherUrl = `http://localhost:${this.port}`;
    this.#serve();
  }

  /** Serves until the test is over. */
  static async start(options: HubOptions = {}, atEnd: AtEnd = onTestFinished): Promise<PushServer> {
    const server = new PushServer(options, await listen(0), createHub(options));
    atEnd(() => server.stop());
    return server;
  }

  get hub(): Hub {
    return this.#hub;
  }

  /** How many subscriptions are under way: answers that have not ended, and WebSockets. */
  get subscriptions(): number {
    return this.#subscribed.size;
  }

  /** Settles once exactly so many subscriptions are under way. */
  whenSubscriptions(count: number): Promise<void> {
    return this.#conditions.until(
      `${count} subscriptions`,
      () => this.subscriptions === count,
      () => `${this.subscriptions}`,
    );
  }

  /** The next request after those so far, once there is one. */
  async nextRequest(): Promise<IncomingMessage> {
    const { length } = this.requests;
    await this.#conditions.until("another request", () => this.requests.length > length);
    return this.requests[length] as IncomingMessage;
  }

  /** Destroys every connection, as a fault of the network does. Requests that come then wait until {@link release}. */
  cut(): void {
    this.#held ??= [];
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets requests through again. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
  }

  /** Ends as in a crash, and comes back at the same port, with a log that is empty. */
  async restart(): Promise<void> {
    await this.stop();
    await this.begin();
  }

  /** Ends as in a crash. */
  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    if (!this.#server.listening) return;
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#hub.close();
  }

  /** Comes back after {@link stop}. */
  async begin(): Promise<void> {
    this.#hub = createHub(this.#options);
    this.#server = await listen(this.port);
    this.#serve();
  }

  #serve(): void {
    const server = this.#server;
    const handler = createHandler(this.#hub, { path: "/push", legacyTransports: true, allowOrigins: [this.url] });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("request", (req, res) => {
      if (handler.handles(req)) this.#take(req, res, () => handler(req, res));
      else servePage(req, res);
    });
    server.on("upgrade", (req, socket, head) => this.#take(req, socket, () => handler.upgrade(req, socket, head)));
  }

  #take(req: IncomingMessage, answer: EventEmitter, go: () => void): void {
    if (this.#held === undefined) go();
    else this.#held.push(go);
    this.#note(req, answer);
  }

  #note(req: IncomingMessage, answer: EventEmitter): void {
    this.requests.push(req);
    if (req.method === "GET" && !/[?&]publish=/.test(req.url ?? "")) {
      this.#subscribed.add(answer);
      answer.once("close", () => {
        this.#subscribed.delete(answer);
        this.#conditions.changed();
      });
    }
    this.#conditions.changed();
  }
}

function servePage({ url }: IncomingMessage, res: ServerResponse): void {
  const isScript = url === "/script.js";
  res.setHeader("Content-Type", `text/${isScript ? "javascript" : "html"}; charset=utf-8`);
  res.end(isScript ? pageScript() : PAGE);
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
