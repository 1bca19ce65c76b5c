/**
 * The polls of one connection, without node:http. A request and its answer cost it 25 to 30 µs of CPU, and a parked one
 * 4 KB; a client that polls asks the same each time, but for its cursor. So when node:http has answered a poll, the socket
 * is taken out of its hands. A request that is the same, byte for byte, is answered here with one write of bytes that all
 * who wait share; whatever else comes is given back to node:http, with its socket, as a new connection.
 *
 *     node:http ──answered a poll──▶ idle ──the same bytes──▶ asked ──answered──▶ idle
 *         ▲                           │
 *         └───────── other bytes ─────┘
 */

import { type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { parseFrom } from "../../core/cursor.ts";
import type { TailwireError } from "../../core/errors.ts";
import type { Hub } from "../../core/hub.ts";
import type { Subscription } from "../../core/subscription.ts";
import { CLOSING_MS, giveToHttp, takeFromHttp } from "../http-socket.ts";
import type { Plan } from "../negotiate.ts";
import { headLength } from "../request-text.ts";
import { problemAnswer, wholeHeaders } from "../respond.ts";
import type { Answer } from "./answer.ts";
import { Poll, type PollForm, type PollFrame, type PollReply } from "./poll.ts";
import { cursorIn, type PollRequest, pollRequest } from "./poll-request.ts";

/** How many bytes had been read of a connection with its last poll. */
const read = new WeakMap<Socket, number>();
/** Connections on which not all requests are the same, such as a proxy's. */
const mixed = new WeakSet<Socket>();

/** Serves the connection's further polls, once node:http has answered this one, where that can be. */
export function servePollsOfSocket(answer: Answer, form: PollForm): void {
  const { req, res, server, hub, plan } = answer;
  const { socket } = req;
  if (server === undefined || mixed.has(socket)) return;
  const { bytesRead } = socket;
  // All that was read since the poll before is this request: node:http holds no byte that would be lost.
  const isAll = bytesRead - (read.get(socket) ?? 0) === headLength(req);
  read.set(socket, bytesRead);
  const request = isAll ? pollRequest(req) : undefined;
  if (request === undefined) return;
  res.once("close", () => {
    // Of another number of requests than without end node:http keeps count.
    if (socket.destroyed || socket.bytesRead !== bytesRead || res.statusCode >= 400) return;
    if (server.maxRequestsPerSocket || hub.draining) return;
    if (!takeFromHttp(socket)) return;
    new PollSocket({ socket, server, hub, plan, form, request });
  });
}

interface PollSocketOptions {
  readonly socket: Socket;
  readonly server: Server;
  readonly hub: Hub;
  /** Of the poll that node:http answered; the next ones differ in their cursor. */
  readonly plan: Plan;
  readonly form: PollForm;
  readonly request: PollRequest;
}

class PollSocket implements PollReply {
  readonly #options: PollSocketOptions;
  #poll: Poll | undefined;
  #state: "idle" | "asked" | "closed" = "idle";
  readonly #stopWaiting: () => void;
  readonly #onData = (bytes: Buffer) => this.#take(bytes);
  readonly #onClose = () => this.#close();
  readonly #onTimeout = () => this.#options.socket.destroy();

  constructor(options: PollSocketOptions) {
    this.#options = options;
    const { socket } = options;
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
    socket.on("timeout", this.#onTimeout);
    // What is on its way is told that the hub has closed.
    this.#stopWaiting = options.hub.whenEnding(({ state }) => {
      if (state === "closed" && this.#state === "idle") socket.setTimeout(CLOSING_MS);
    });
    this.#rest();
  }

  send(frame: PollFrame): void {
    const { socket, hub } = this.#options;
    this.#poll = undefined;
    if (this.#state === "closed") return;
    this.#state = "idle";
    if (hub.draining) socket.end(writeOut(frame, hub.clock.now(), "close"));
    else socket.write(bytesOf(frame, hub.clock.now()));
    this.#rest();
    if (socket.isPaused()) socket.resume();
  }

  refuse(error: TailwireError): void {
    const { status, headers, body } = problemAnswer(error);
    this.send({ status, headers: wholeHeaders(headers, body), body: Buffer.from(body) });
  }

  destroy(): void {
    this.#options.socket.destroy();
  }

  /** As node:http does between two requests. */
  #rest(): void {
    const { socket, server } = this.#options;
    socket.setTimeout(server.keepAliveTimeout);
  }

  #take(bytes: Buffer): void {
    const { socket, request, hub } = this.#options;
    // Whoever does not read the answers is not read either, and of two requests at once the second waits.
    if (this.#state === "asked" || socket.writableNeedDrain) this.#putOff(bytes);
    else {
      const cursor = hub.draining ? undefined : cursorIn(request, bytes);
      if (cursor === undefined) this.#giveBack(bytes);
      else this.#ask(cursor, bytes);
    }
  }

  #putOff(bytes: Buffer): void {
    const { socket } = this.#options;
    socket.pause();
    socket.unshift(bytes);
    if (this.#state === "idle") socket.once("drain", () => socket.resume());
  }

  #ask(cursor: string, bytes: Buffer): void {
    const { socket, hub, plan } = this.#options;
    try {
      const opened = hub.open(plan.names, parseFrom(cursor, plan.names), plan.firstRead, false);
      this.#state = "asked";
      socket.setTimeout(0);
      if (opened instanceof Promise)
        opened.then(
          (value) => this.#begin(value),
          () => this.#giveBack(bytes),
        );
      else this.#begin(opened);
    } catch {
      this.#giveBack(bytes); // refused there, with the reason
    }
  }

  #begin(subscription: Subscription): void {
    if (this.#state === "closed") {
      subscription.close();
      return;
    }
    const { hub, plan, form } = this.#options;
    const poll = new Poll({ hub, plan, subscription }, form, this);
    this.#poll = poll;
    const running = poll.run();
    if (running instanceof Promise) running.catch(() => poll.fail());
  }

  #giveBack(bytes: Buffer): void {
    const { socket, server } = this.#options;
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stopWaiting();
    mixed.add(socket);
    socket.off("data", this.#onData);
    socket.off("close", this.#onClose);
    socket.off("timeout", this.#onTimeout);
    socket.setTimeout(0);
    socket.pause();
    giveToHttp(server, socket, bytes);
    socket.resume();
  }

  #close(): void {
    this.#state = "closed";
    this.#stopWaiting();
    this.#poll?.end();
    this.#poll = undefined;
  }
}

/** The answer as node:http would write it, made once for all whom it is written to. */
function bytesOf(frame: PollFrame, now: number): Buffer {
  const bytes = written.get(frame) ?? writeOut(frame, now, "keep-alive");
  written.set(frame, bytes);
  return bytes;
}

const written = new WeakMap<PollFrame, Buffer>();

function writeOut({ status, headers, body }: PollFrame, now: number, connection: "keep-alive" | "close"): Buffer {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
  head += `Date: ${new Date(now).toUTCString()}\r\nConnection: ${connection}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
