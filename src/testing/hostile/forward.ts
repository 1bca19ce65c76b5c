/** The way of a request on to the server, and of its answer back. */

import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { join, type Stage } from "./carry.ts";
import { type Exchange, passOn, refuse } from "./exchange.ts";
import { headText, requestHeaders } from "./head.ts";
import type { Loopback, Tally } from "./loopback.ts";
import type { Upstream } from "./network.ts";

/** What is done to answers; where it is left out, they go through. */
export interface AnswerFault {
  /** An answer has come. */
  answer?(answer: IncomingMessage, exchange: Exchange): void;
  /** What the server sends over a WebSocket goes through this. */
  webSocket?(tally: Tally): Stage;
}

export interface Forwarding {
  readonly upstream: Upstream;
  readonly agent: Agent;
  readonly loopback: Loopback;
  readonly fault: AnswerFault;
}

/** @param head what the client has sent behind a request to switch to WebSocket; undefined for any other request */
export function forward(exchange: Exchange, forwarding: Forwarding, head: Buffer | undefined): void {
  const { incoming, outgoing, client } = exchange;
  const sent = open(incoming, forwarding, head !== undefined);
  if (sent === undefined) {
    refuse(exchange, 400, "the request cannot be passed on");
    return;
  }
  // A client that has ended its side may still be answered: that is for the server to say.
  const halfClose = () => onceSent(sent, () => sent.socket?.end());
  client.on("end", halfClose);
  outgoing.on("close", () => {
    client.off("end", halfClose);
    incoming.unpipe(sent);
    incoming.resume();
    sent.destroy();
  });
  sent.on("socket", forwarding.loopback.keep);
  sent.on("upgrade", (answer, socket, first) => {
    client.off("end", halfClose);
    if (head !== undefined) {
      switchOver(exchange, forwarding, { answer, socket: socket as Socket, head, first });
      return;
    }
    socket.destroy();
    refuse(exchange, 502, "the server switched to another protocol without being asked to");
  });
  awaitAnswer(sent, exchange, forwarding);
  sent.flushHeaders(); // the body may be a while
  if (head === undefined) incoming.pipe(sent);
  else sent.end();
}

/** Undefined where node:http refuses to send what it has read. */
function open(
  incoming: IncomingMessage,
  { upstream: { host, port }, agent }: Forwarding,
  switches: boolean,
): ClientRequest | undefined {
  const { method = "GET", url: path = "/" } = incoming;
  const headers = requestHeaders(incoming, switches);
  try {
    return request({ host, port, agent, method, path, headers, ...(switches ? { allowHalfOpen: true } : {}) });
  } catch {
    return undefined;
  }
}

function awaitAnswer(sent: ClientRequest, exchange: Exchange, { fault }: Forwarding): void {
  const { outgoing } = exchange;
  sent.on("continue", () => outgoing.writeContinue());
  sent.on("error", () => {
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(exchange, 502, "the server did not answer");
  });
  sent.on("response", (answer) => {
    answer.on("error", () => {}); // told by close
    if (fault.answer === undefined) passOn(answer, exchange);
    else fault.answer(answer, exchange);
  });
}

function onceSent(sent: ClientRequest, run: () => void): void {
  if (sent.writableFinished) run();
  else sent.once("finish", run);
}

interface Switched {
  readonly answer: IncomingMessage;
  readonly socket: Socket;
  /** What has come behind the request, and behind the answer. */
  readonly head: Buffer;
  readonly first: Buffer;
}

/** From here on the connection carries frames. */
function switchOver(
  { outgoing, client, tally }: Exchange,
  { fault }: Forwarding,
  { answer, socket, head, first }: Switched,
): void {
  outgoing.detachSocket(client);
  client.write(headText("HTTP/1.1 101 Switching Protocols", answer.rawHeaders), "latin1");
  if (head.length > 0) client.unshift(head);
  if (first.length > 0) socket.unshift(first);
  const stages = fault.webSocket === undefined ? {} : { toClient: fault.webSocket(tally) };
  join(client, socket, stages, () => {
    tally.cuts += 1;
    tally.faults += 1;
  });
}
