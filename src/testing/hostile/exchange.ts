/** A request and its answer on their way through a proxy, and what can be done with them. */

import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { endWhenWritten, type Stage, unchanged } from "./carry.ts";
import { endToEnd, without } from "./head.ts";
import type { Tally } from "./loopback.ts";
import type { ProxiedRequest } from "./network.ts";

export interface Exchange {
  readonly request: ProxiedRequest;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly client: Socket;
  readonly tally: Tally;
}

export function createExchange(incoming: IncomingMessage, tally: Tally, outgoing = outgoingOf(incoming)): Exchange {
  const { method = "GET", url = "/", headers } = incoming;
  outgoing.sendDate = false; // the server's goes on
  return { request: { method, url, headers }, incoming, outgoing, client: incoming.socket, tally };
}

/** The answer to a request whose connection node:http has let go, because it asks for another protocol. */
function outgoingOf(incoming: IncomingMessage): ServerResponse {
  const { socket } = incoming;
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket);
  outgoing.on("finish", () => {
    outgoing.detachSocket(socket);
    socket.end();
  });
  return outgoing;
}

export interface PassOptions {
  /** What the body goes through. */
  readonly stage?: Stage;
  readonly headers?: readonly string[];
  /** Whether the head goes on by itself, or with the first bytes of the body. */
  readonly head?: "at-once" | "with-body";
}

/** Passes an answer on as it comes. */
export function passOn(answer: IncomingMessage, exchange: Exchange, options: PassOptions = {}): void {
  const { stage = unchanged(), headers = endToEnd(answer), head = "at-once" } = options;
  const { outgoing, client, tally } = exchange;
  if (!writeHead(answer, exchange, headers)) return;
  if (head === "at-once") outgoing.flushHeaders();
  const { stream } = stage;
  answer.on("close", () => {
    if (!answer.complete) outgoing.destroy();
  });
  outgoing.on("close", () => stream.destroy());
  stream.on("error", () => outgoing.destroy());
  stream.on("end", () => {
    const { fate } = stage;
    if (fate === undefined || fate === "dark") outgoing.end();
    else {
      tally.cuts += 1;
      tally.faults += 1;
      endWhenWritten(outgoing, client, fate);
    }
  });
  answer.pipe(stream).pipe(outgoing, { end: false });
}

/** Passes an answer on that is there as a whole. */
export function passWhole(answer: IncomingMessage, exchange: Exchange, body: Uint8Array): void {
  const { outgoing, request } = exchange;
  const bodiless = request.method === "HEAD" || answer.statusCode === 204 || answer.statusCode === 304;
  const length = bodiless ? [] : ["Content-Length", String(body.length)];
  const headers = [...without(endToEnd(answer), bodiless ? "" : "content-length"), ...length];
  if (writeHead(answer, exchange, headers)) outgoing.end(body);
}

/** False where the server's head cannot be written; the client has an answer then. */
function writeHead(answer: IncomingMessage, exchange: Exchange, headers: readonly string[]): boolean {
  const { outgoing } = exchange;
  if (outgoing.destroyed) return false;
  try {
    outgoing.writeHead(answer.statusCode ?? 0, answer.statusMessage, [...headers]);
    return true;
  } catch {
    answer.destroy();
    refuse(exchange, 502, "the server's answer has a head that cannot be passed on");
    return false;
  }
}

/** Answers in the server's place. */
export function refuse({ outgoing }: Exchange, status: number, text: string, type = "text/plain"): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  const body = Buffer.from(text);
  outgoing.writeHead(status, { "Content-Type": `${type}; charset=utf-8`, "Content-Length": body.length });
  outgoing.end(body);
}
