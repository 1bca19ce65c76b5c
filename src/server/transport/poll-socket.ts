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

import type { Server } from "node:http";
import type { Socket } from "node:net";
import { parseFrom } from "../../core/cursor.ts";
import type { TailwireError } from "../../core/errors.ts";
import type { Hub } from "../../core/hub.ts";
import type { Subscription } from "../../core/subscription.ts";
import { answerHead } from "../answer-head.ts";
import { CLOSING_MS, giveToHttp, takeFromHttp } from "../http-socket.ts";
import type { Plan } from "../negotiate.ts";
import { isLastRead } from "../request-count.ts";
import { problemAnswer, wholeHeaders } from "../respond.ts";
import type { Answer } from "./answer.ts";
import { Poll, type PollForm, type PollFrame, type PollReply } from "./poll.ts";
import { cursorIn, type PollRequest, pollRequest } from "./poll-request.ts";
import { type WaitedOut, type Waiter, WaitingList } from "./waiting-list.ts";

/** The longest that a timer takes, where the server's keep-alive has no end. */
const NO_KEEP_ALIVE_END_MS = 2 ** 31 - 1;

/** Serves the connection's further polls, once node:http has answered this one, where that can be. */
export function servePollsOfSocket(answer: Answer, form: PollForm): void {
  const { req, res, server, hub, plan } = answer;
  const { socket } = req;
  if (server === undefined) return;
  const request = pollRequest(req);
  if (request === undefined) return;
  res.once("close", () => {
    if (socket.destroyed || res.statusCode >= 400 || hub.draining || !isLastRead(req)) return;
    // Of another number of requests than without end node:http keeps count.
    if (server.maxRequestsPerSocket) return;
    if (!takeFromHttp(socket)) return;
    new PollSocket({ socket, server, hub, plan, form, request: shared(request) });
  });
}

/** The requests of the connections taken last, so that those which ask the same have one between them. */
const requests = new Map<string, PollRequest>();
const MAX_REQUESTS = 64;

function shared(request: PollRequest): PollRequest {
  const key = `${request.before}\n${request.after}`;
  const known = requests.get(key);
  if (known !== undefined) return known;
  if (requests.size === MAX_REQUESTS) requests.clear();
  requests.set(key, request);
  return request;
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

class PollSocket implements PollReply, Waiter {
  readonly repeats = true;
  since = 0;
  readonly #options: PollSocketOptions;
  #poll: Poll | undefined;
  #state: "idle" | "asked" | "closed" = "idle";
  /** Whether it has been answered since it was last looked at. */
  #wasAnswered = true;
  /** Those that are looked at each time the server's keep-alive has passed, and when the hub closes. */
  readonly #idlers: WaitingList;
  readonly #onData = (bytes: Buffer) => this.#take(bytes);
  readonly #onClose = () => this.#close();

  constructor(options: PollSocketOptions) {
    this.#options = options;
    const { socket, server, hub } = options;
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
    socket.setTimeout(0);
    this.#idlers = WaitingList.of(hub, server.keepAliveTimeout || NO_KEEP_ALIVE_END_MS);
    this.#idlers.add(this);
  }

  send(frame: PollFrame): void {
    const { socket, hub } = this.#options;
    if (this.#state === "closed") return;
    this.#state = "idle";
    this.#wasAnswered = true;
    if (hub.draining) socket.end(writeOut(frame, hub.clock.now(), undefined));
    else if (!socket.write(this.#bytesOf(frame))) this.#watchDrain();
    if (socket.isPaused()) socket.resume();
  }

  /** As they are written to all whose server keeps a connection as long. */
  #bytesOf(frame: PollFrame): Buffer {
    const { hub, server } = this.#options;
    const { keepAliveTimeout } = server;
    if (frame.written?.keepAliveMs !== keepAliveTimeout)
      frame.written = { keepAliveMs: keepAliveTimeout, bytes: writeOut(frame, hub.clock.now(), keepAliveTimeout) };
    return frame.written.bytes;
  }

  refuse(error: TailwireError): void {
    const { status, headers, body } = problemAnswer(error);
    const whole = { status, headers: wholeHeaders(headers, body), body: Buffer.from(body) };
    this.send({ ...whole, cursor: "", isWhole: false, written: undefined });
  }

  /**
   * Ends a connection that has asked for nothing since it was last looked at, which is after one to two of the server's
   * keep-alive times. A socket's own timeout would be exact, for 0.5 µs a poll.
   */
  waitedOut(why: WaitedOut): void {
    const { socket } = this.#options;
    if (this.#state !== "idle" || why === "draining") return;
    // What is on its way is told that the hub has closed.
    if (why === "closed") socket.setTimeout(CLOSING_MS, () => socket.destroy());
    else if (!this.#wasAnswered && !socket.writableNeedDrain) socket.destroy();
    this.#wasAnswered = false;
  }

  destroy(): void {
    this.#options.socket.destroy();
  }

  /** A large answer may be slow to go out, but not stand still. */
  #watchDrain(): void {
    const { socket, server } = this.#options;
    const end = () => socket.destroy();
    socket.setTimeout(server.keepAliveTimeout, end);
    socket.once("drain", () => {
      this.#wasAnswered = true;
      socket.setTimeout(0, end);
    });
  }

  #take(bytes: Buffer): void {
    const { socket, request, hub } = this.#options;
    // Whoever does not read the answers is not read either, and of two requests at once the second waits.
    if (this.#state === "asked" || socket.writableNeedDrain) this.#putOff(bytes);
    else {
      const cursor = hub.draining ? undefined : cursorIn(request, bytes, this.#poll?.next);
      if (cursor === undefined) this.#giveBack(bytes);
      else if (this.#poll?.again(cursor)) this.#state = "asked";
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
    const { hub, plan } = this.#options;
    try {
      const opened = hub.open(plan.names, parseFrom(cursor, plan.names), plan.firstRead, false);
      this.#state = "asked";
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
    this.#close();
    socket.off("data", this.#onData);
    socket.off("close", this.#onClose);
    socket.pause();
    giveToHttp(server, socket, bytes);
    socket.resume();
  }

  #close(): void {
    this.#state = "closed";
    this.#idlers.delete(this);
    this.#poll?.end();
    this.#poll = undefined;
  }
}

/** All of the answer. @param keepAliveMs undefined where its connection ends with it */
function writeOut({ status, headers, body }: PollFrame, now: number, keepAliveMs: number | undefined): Buffer {
  return Buffer.concat([Buffer.from(answerHead(status, headers, now, keepAliveMs), "latin1"), body]);
}
