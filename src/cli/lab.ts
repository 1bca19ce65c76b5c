/**
 * The server's part of the transport lab. A page cannot see what its browser really sent for an EventSource, a
 * WebSocket, a script or a frame, nor count the bytes; so requests that carry `lab=ID.LABEL` are watched at their
 * socket, and the page that made them is told. It may also have its own connections cut, to see how they come back.
 *
 *     GET    lab/exchanges?lab=ID&after=VERSION   what was seen since then
 *     PUT    lab/cut?lab=ID.LABEL                 cuts the connections with that label, and those that come
 *     DELETE lab/cut?lab=ID.LABEL                 lets them live again
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type LabKey, LabMemory } from "./lab-memory.ts";
import { respondProblem } from "./pages.ts";

/** How often it is looked for what has expired, in milliseconds. */
const SWEEP_MS = 60_000;

/** The page's panels: a closed list, so that nobody can make up more. */
const LABELS = "poll|long-poll|jsonp|iframe|xhr|fetch|sse|websocket|websocket-raw";
const KEY = new RegExp(`^([0-9a-f]{32})\\.(${LABELS})$`);
const ID = /^[0-9a-f]{32}$/;

/**
 * Adds the lab to a server that is complete otherwise.
 * @param base begins and ends with a slash
 */
export function addLab(server: Server, base: string, memory = new LabMemory()): void {
  const routes: Readonly<Record<string, (req: IncomingMessage, res: ServerResponse) => void>> = {
    [`${base}lab/exchanges`]: (req, res) => serveExchanges(memory, req, res),
    [`${base}lab/cut`]: (req, res) => serveCut(memory, req, res),
  };
  lookFirst(server, "request", (req: IncomingMessage, res: ServerResponse) => {
    const { url = "" } = req;
    if (!url.includes("lab")) return false; // all that others pay
    const route = routes[url.split("?", 1)[0] ?? ""];
    if (route !== undefined) {
      route(req, res);
      return true;
    }
    const key = keyOf(req);
    if (key === undefined) return false;
    memory.begin(key, req)?.watchAnswer(req, res);
    return endWhereCut(memory, key, req.socket);
  });
  lookFirst(server, "upgrade", (req: IncomingMessage, socket: Socket, first: Buffer) => {
    const key = req.headers.upgrade?.toLowerCase() === "websocket" ? keyOf(req) : undefined;
    if (key === undefined) return false;
    memory.begin(key, req)?.watchUpgrade(socket, first);
    return endWhereCut(memory, key, socket);
  });
  const sweeper = setInterval(() => memory.sweep(), SWEEP_MS).unref();
  server.once("close", () => clearInterval(sweeper));
}

/**
 * Has each request looked at before the server's own listener gets it, unless that is said to be done with it. It
 * stands in the listener's place, not beside it: the handler spares memory where it is a server's only listener.
 */
function lookFirst<Args extends unknown[]>(server: Server, event: string, look: (...args: Args) => boolean): void {
  for (const listener of server.listeners(event)) {
    server.off(event, listener as () => void);
    server.on(event, (...args: unknown[]) => {
      if (!look(...(args as Args))) Reflect.apply(listener, server, args);
    });
  }
}

function endWhereCut(memory: LabMemory, key: LabKey, socket: Socket): boolean {
  const cut = memory.isCut(key);
  if (cut) socket.destroy();
  return cut;
}

function serveExchanges(memory: LabMemory, req: IncomingMessage, res: ServerResponse): void {
  const query = queryOf(req);
  const id = query.get("lab") ?? "";
  const after = Number(query.get("after") ?? 0);
  if (req.method !== "GET") refuseMethod(res, "GET");
  else if (!ID.test(id)) refuse(res, "lab: 32 hexadecimal digits that the page has drawn");
  else if (Number.isSafeInteger(after)) respondJson(res, { time: Date.now(), ...memory.report(id, after) });
  else refuse(res, "after: the version of the answer before");
}

function serveCut(memory: LabMemory, req: IncomingMessage, res: ServerResponse): void {
  const key = keyOf(req);
  if (req.method !== "PUT" && req.method !== "DELETE") refuseMethod(res, "PUT, DELETE");
  else if (key === undefined) refuse(res, "lab: 32 hexadecimal digits, a dot, and the name of a panel");
  else {
    if (req.method === "PUT") memory.cut(key);
    else memory.release(key);
    res.writeHead(204, { "Cache-Control": "no-store" }).end();
  }
}

function keyOf(req: IncomingMessage): LabKey | undefined {
  const [, id, label] = KEY.exec(queryOf(req).get("lab") ?? "") ?? [];
  return id === undefined || label === undefined ? undefined : { id, label };
}

function queryOf({ url = "" }: IncomingMessage): URLSearchParams {
  const mark = url.indexOf("?");
  return new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
}

function respondJson(res: ServerResponse, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`;
  const headers = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  res.writeHead(200, { ...headers, "Content-Length": Buffer.byteLength(body) }).end(body);
}

function refuse(res: ServerResponse, detail: string): void {
  respondProblem(res, 400, "invalid_parameter", detail);
}

function refuseMethod(res: ServerResponse, allowed: string): void {
  res.setHeader("Allow", allowed);
  respondProblem(res, 405, "method_not_allowed", `this route has ${allowed}`);
}
