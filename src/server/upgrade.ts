/**
 * Requests with an `Upgrade` header. One that asks for a WebSocket on our route is answered here; every other
 * goes back into the server as the ordinary request that it is without the header (RFC 9110, 7.8: a server may
 * ignore it): `h2c` comes from `curl --http2` and from Java's HttpClient with each request.
 */

import { EventEmitter } from "node:events";
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { formatCursor } from "../core/cursor.ts";
import { TailwireError } from "../core/errors.ts";
import type { Hub } from "../core/hub.ts";
import type { Subscription } from "../core/subscription.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { giveToHttp } from "./http-socket.ts";
import type { Legacy } from "./legacy.ts";
import { type Plan, planSubscribe } from "./negotiate.ts";
import { respondProblem } from "./respond.ts";
import { matchRoute } from "./route.ts";
import { serveWebSocket } from "./transport/websocket.ts";
import { acceptDeflate } from "./transport/websocket-deflate.ts";
import { SUBPROTOCOL, websocketServer } from "./transport/websocket-handshake.ts";
import { afterAll } from "./turns.ts";

interface UpgradeContext {
  readonly hub: Hub;
  readonly heartbeat: Heartbeat;
  readonly base: string;
  readonly legacy: Legacy;
  readonly compression: boolean;
  readonly onError: (error: unknown) => void;
}

/** A listener for `upgrade` events; `this` is the server, as an EventEmitter calls it. */
export type UpgradeListener = (this: unknown, req: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The listener of a handler. */
export function createUpgrade(context: UpgradeContext): UpgradeListener {
  const { hub, heartbeat, base, legacy, compression, onError } = context;
  const websockets = websocketServer(hub.settings.maxEventBytes, compression);

  async function serve(req: IncomingMessage, socket: Duplex, head: Buffer, names: string, query: URLSearchParams) {
    const websocket = checkHandshake(req);
    const offered = req.headers["sec-websocket-extensions"];
    const deflate = compression && offered !== undefined ? acceptDeflate(offered) : undefined;
    const plan = planSubscribe(
      { names, query, headers: req.headers, secure: "encrypted" in socket, websocket },
      legacy,
    );
    const messages = websocket === SUBPROTOCOL;
    const subscriptions = await openAll(hub, plan, messages);
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      for (const subscription of subscriptions) subscription.close();
      return;
    }
    const cursor = formatCursor(new Map(subscriptions.flatMap((subscription) => [...subscription.cursor])));
    const link = { req, websockets, socket: socket as Socket, head, messages, deflate };
    serveWebSocket({ ...link, hub, heartbeat, plan, subscriptions, cursor });
  }

  return function upgrade(this: unknown, req, socket, head) {
    const route = matchRoute(base, req.url ?? "/");
    const ours = route?.kind === "channels";
    const server = this instanceof EventEmitter ? this : undefined;
    if (!ours && (server === undefined || server.listenerCount("upgrade") > 1)) return; // another listener's
    socket.on("error", ignore);
    if (server !== undefined && (!ours || !wantsWebSocket(req, route.query))) {
      afterAll(socket, () => putBack(server, req, socket, head));
      return;
    }
    if (!ours) return;
    afterAll(
      socket,
      () =>
        void serve(req, socket, head, route.names, route.query).catch((error) => {
          if (!(error instanceof TailwireError)) onError(error);
          refuse(req, socket, error);
        }),
    );
  };
}

function wantsWebSocket(req: IncomingMessage, query: URLSearchParams): boolean {
  const transport = query.get("transport");
  return req.headers.upgrade?.toLowerCase() === "websocket" && (transport === null || transport === "websocket");
}

/** With `tailwire.v1` each channel has a subscription of its own, so that it can be ended on its own. */
async function openAll(hub: Hub, plan: Plan, eachAlone: boolean): Promise<readonly Subscription[]> {
  if (!eachAlone) return [await hub.open(plan.names, plan.from)];
  const subscriptions: Subscription[] = [];
  try {
    for (const name of plan.names) subscriptions.push(await hub.open([name], plan.from));
    return subscriptions;
  } catch (error) {
    for (const subscription of subscriptions) subscription.close();
    throw error;
  }
}

/**
 * RFC 6455, 4.2.1, so that what is wrong is answered as everywhere; `ws` checks again.
 * @throws {TailwireError} `invalid_handshake`, `upgrade_required`
 */
function checkHandshake({ method, headers }: IncomingMessage): "raw" | typeof SUBPROTOCOL {
  if (method !== "GET") throw new TailwireError("invalid_handshake", "a WebSocket handshake is a GET request");
  if (headers.upgrade?.toLowerCase() !== "websocket") {
    throw new TailwireError("invalid_handshake", "the one protocol to upgrade to is websocket");
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers["sec-websocket-key"] ?? "")) {
    throw new TailwireError("invalid_handshake", "Sec-WebSocket-Key is 16 bytes in base64");
  }
  if (headers["sec-websocket-version"] !== "13") {
    throw new TailwireError("upgrade_required", "Sec-WebSocket-Version is 13 here");
  }
  const offered = headers["sec-websocket-protocol"];
  if (offered === undefined) return "raw";
  const names = offered.split(",").map((name) => name.trim());
  if (new Set(names).size < names.length)
    throw new TailwireError("invalid_handshake", "a subprotocol is offered twice");
  if (names.includes(SUBPROTOCOL)) return SUBPROTOCOL;
  throw new TailwireError(
    "invalid_handshake",
    `the one subprotocol here is ${SUBPROTOCOL}; without any, frames are raw`,
  );
}

/** Answers a request whose socket the server has let go, and ends the connection. */
function refuse(req: IncomingMessage, socket: Duplex, error: unknown): void {
  if (!socket.writable) return;
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket as Socket);
  res.on("finish", () => {
    res.detachSocket(socket as Socket);
    socket.end();
  });
  const upgrade = error instanceof TailwireError && error.code === "upgrade_required";
  respondProblem(
    res,
    error,
    upgrade ? { Upgrade: "websocket", Connection: "Upgrade, close", "Sec-WebSocket-Version": "13" } : {},
  );
}

/** Hands the connection back to the server, with the request as it came but for `Upgrade`. */
function putBack(server: EventEmitter, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const bytes = Buffer.concat([Buffer.from(headWithoutUpgrade(req), "latin1"), head]);
  giveToHttp(server, socket as Socket, bytes);
}

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = withoutUpgrade(name.toLowerCase(), rawHeaders[index + 1] as string);
    if (value !== "") text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function withoutUpgrade(name: string, value: string): string {
  if (name === "upgrade" || name === "http2-settings") return "";
  if (name !== "connection") return value;
  const options = value.split(",").map((option) => option.trim());
  return options.filter((option) => !/^(upgrade|http2-settings)$/i.test(option)).join(", ");
}

function ignore(): void {}
