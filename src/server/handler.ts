/** The routes (PROTOCOL.md, "Routes"): one request from its first byte to its last. */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ChannelName, parseChannelName, parseChannelNames } from "../core/channel-name.ts";
import { formatCursor } from "../core/cursor.ts";
import { TailwireError } from "../core/errors.ts";
import type { Hub } from "../core/hub.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type LegacyOptions, readLegacyOptions, requireLegacy } from "./legacy.ts";
import { planSubscribe, type TransportName } from "./negotiate.ts";
import { servePublish } from "./publish.ts";
import { servePublishByGet } from "./publish-by-get.ts";
import { respondEmpty, respondJson, respondProblem } from "./respond.ts";
import { matchRoute, parseBase, type Route } from "./route.ts";
import type { Answer } from "./transport/answer.ts";
import { serveIframe, serveIframePoll } from "./transport/iframe.ts";
import { serveJsonp } from "./transport/jsonp.ts";
import { servePoll } from "./transport/long-poll.ts";
import { serveSse } from "./transport/sse.ts";
import { serveStream } from "./transport/stream.ts";
import { closeBehind, inTurn } from "./turns.ts";
import { createUpgrade } from "./upgrade.ts";

export interface HandlerOptions extends LegacyOptions {
  /** The base path of the routes (`/`). */
  readonly path?: string;
  /**
   * Compresses `sse`, `stream` and `websocket` for clients that can take it: once for all of them, but a subscriber alone
   * costs as much as a thousand (false). Leave it off where secrets stand beside what others may choose (CRIME, BREACH).
   */
  readonly compression?: boolean;
  /** Told of faults of the server, which clients see as 500 only. By default they are process warnings. */
  readonly onError?: (error: unknown) => void;
}

/** A request listener for node:http, Express and the like. */
export interface Handler {
  /** Answers what is its own; hands other requests to `next`, or answers 404 where there is none. */
  (req: IncomingMessage, res: ServerResponse, next?: () => void): void;
  /** Whether a request is for one of its routes. */
  handles(req: IncomingMessage): boolean;
  /** A listener for the server's `upgrade` event: WebSocket comes in here. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

type HttpTransport = Exclude<TransportName, "websocket">;

const SERVE: Readonly<Record<HttpTransport, (answer: Answer) => void | Promise<void>>> = {
  sse: serveSse,
  stream: serveStream,
  "long-poll": servePoll,
  poll: servePoll,
  jsonp: serveJsonp,
  iframe: serveIframe,
  "iframe-poll": serveIframePoll,
};

const METHODS = {
  channels: "GET, HEAD, POST, DELETE, OPTIONS",
  healthz: "GET, HEAD, OPTIONS",
  readyz: "GET, HEAD, OPTIONS",
} as const;

/** Makes the handler of a hub. */
export function createHandler(hub: Hub, options: HandlerOptions = {}): Handler {
  return makeHandler(hub, options, () => undefined);
}

/** @param ownServer the server, while nobody else looks at the requests that are served here */
export function makeHandler(hub: Hub, options: HandlerOptions, ownServer: () => Server | undefined): Handler {
  const base = parseBase(options.path ?? "/");
  const legacy = readLegacyOptions(options);
  const heartbeat = new Heartbeat(hub);
  const { onError = warn, compression = false } = options;

  const handler = (req: IncomingMessage, res: ServerResponse, next?: () => void): void => {
    const route = matchRoute(base, req.url ?? "/");
    if (route === undefined && next !== undefined) next();
    else inTurn(req, res, () => void serve(route, req, res).catch((error) => fail(res, error, onError)));
  };

  async function serve(route: Route | undefined, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (route === undefined) throw new TailwireError("not_found", "there is no such route");
    // Whoever asks again asks another node, or the next process.
    if (hub.draining) closeBehind(req, res);
    if (req.method === "OPTIONS") respondEmpty(res, 204, { Allow: METHODS[route.kind] });
    else if (route.kind !== "channels") await serveHealth(route, req, res);
    else if (isSubscribe(route, req)) await subscribe(route, req, res);
    else await underWay(() => serveChannels(route, req, res));
  }

  /** A drain waits for its answer. */
  async function underWay(answer: () => Promise<void>): Promise<void> {
    const done = hub.hold();
    try {
      await answer();
    } finally {
      done();
    }
  }

  async function serveChannels(route: Route & { kind: "channels" }, req: IncomingMessage, res: ServerResponse) {
    switch (req.method) {
      case "GET":
        return publishByGet(route, req, res);
      case "HEAD":
        return respondEmpty(res, 200, { "Tailwire-Cursor": await hub.head(parseChannelNames(route.names.split(","))) });
      case "POST":
        return servePublish({ hub, req, res, channel: oneName(route.names), server: serverOf(res) }, route.query);
      case "DELETE":
        return purge(oneName(route.names), res);
      default:
        return refuseMethod(res, METHODS.channels);
    }
  }

  async function purge(name: ChannelName, res: ServerResponse): Promise<void> {
    await hub.purge(name);
    respondEmpty(res, 204, { "Tailwire-Cursor": await hub.head([name]) });
  }

  async function publishByGet(route: Route & { kind: "channels" }, req: IncomingMessage, res: ServerResponse) {
    requireLegacy(legacy, "publishing with GET");
    return servePublishByGet(hub, res, oneName(route.names), route.query, req.url ?? "");
  }

  async function subscribe(route: Route & { kind: "channels" }, req: IncomingMessage, res: ServerResponse) {
    const { names, query } = route;
    const secure = "encrypted" in req.socket;
    const plan = planSubscribe({ names, query, headers: req.headers, secure, websocket: "no" }, legacy);
    const opened = hub.open(plan.names, plan.from, plan.firstRead, plan.endless);
    const subscription = opened instanceof Promise ? await opened : opened;
    if (res.destroyed) {
      subscription.close();
      return;
    }
    if (hasBody(req)) req.resume(); // nobody asked for it
    const cursor = formatCursor(subscription.cursor);
    await SERVE[plan.transport as HttpTransport]({
      req,
      res,
      hub,
      heartbeat,
      plan,
      subscription,
      cursor,
      server: serverOf(res),
      compression,
      maxIframeBytes: legacy.maxIframeBytes,
    });
  }

  function serverOf(res: ServerResponse): Server | undefined {
    return isWatched(res) ? undefined : ownServer();
  }

  async function serveHealth({ kind }: Route, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== "GET" && req.method !== "HEAD") {
      refuseMethod(res, METHODS[kind]);
      return;
    }
    if (kind === "readyz") await hub.ready();
    respondJson(res, 200, { status: "ok" });
  }

  return Object.assign(handler, {
    handles: (req: IncomingMessage) => matchRoute(base, req.url ?? "/") !== undefined,
    upgrade: createUpgrade({ hub, heartbeat, base, legacy, compression, onError }),
  });
}

function isSubscribe({ query }: Route & { kind: "channels" }, { method }: IncomingMessage): boolean {
  return method === "GET" && !query.has("publish");
}

/** Whether somebody else waits for the end of a response, on which node:http has one listener. */
function isWatched(res: ServerResponse): boolean {
  return res.listenerCount("close") > 0 || res.listenerCount("finish") > 1;
}

/** RFC 9112, 6.3: a request has a body only where it says so. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}

function oneName(names: string): ChannelName {
  if (!names.includes(",")) return parseChannelName(names);
  throw new TailwireError("invalid_channel", "publishing and purging take one channel at a time");
}

function refuseMethod(res: ServerResponse, allowed: string): void {
  respondProblem(res, new TailwireError("method_not_allowed", `this route has ${allowed}`), { Allow: allowed });
}

function fail(res: ServerResponse, error: unknown, onError: (error: unknown) => void): void {
  if (!(error instanceof TailwireError) || error.code === "internal" || error.code === "misuse") onError(error);
  if (res.headersSent) res.destroy();
  else respondProblem(res, error);
}
