/**
 * The publishes of one connection, without node:http. A request and its answer cost it and our way through it 85 µs of CPU;
 * a program that publishes sends the same head each time, but for the channel and the length. So when node:http has read
 * the same head twice, the socket is taken out of its hands. A request with that head is answered here; whatever else comes
 * is given back to node:http, with its socket, as a new connection. (1,000 channels of 10 subscribers: 230 µs an event with
 * its ten deliveries before, 162 now; 1 channel of 1,000, as fast as 16 can publish: 2.6 M deliveries/s before, 7.4 M now.)
 *
 *     node:http ──the same head twice──▶ idle ──all of a request──▶ appending, where the store has to ask ──▶ idle
 *         ▲                               │
 *         └───────── other bytes ─────────┘
 */

import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ChannelName, parseChannelName } from "../core/channel-name.ts";
import type { EventInput } from "../core/event.ts";
import type { Hub } from "../core/hub.ts";
import { formatPosition } from "../core/position.ts";
import type { Appended, MaybePromise } from "../core/store.ts";
import { answerHead } from "./answer-head.ts";
import { CLOSING_MS, giveToHttp, takeFromHttp } from "./http-socket.ts";
import { findPublish, isSame, type PublishRequest, publishRequest } from "./publish-request.ts";
import { isLastRead } from "./request-count.ts";
import { problemAnswer, wholeHeaders } from "./respond.ts";

/** How long a request that has begun may take to come whole, in milliseconds, before node:http has it, and its limits hold. */
const PART_MS = 1000;
/** As node:http: a client that reuses its connection at the last moment has that much more. */
const KEEP_ALIVE_BUFFER_MS = 1000;

const NOTHING = Buffer.alloc(0);

/** What a connection's last publish was. */
const before = new WeakMap<Socket, PublishRequest>();

export interface PublishSocketOptions {
  readonly hub: Hub;
  readonly server: Server;
  /** The event of a body. @throws {TailwireError} where it is none */
  readonly input: (body: Buffer) => EventInput;
}

/** Serves the connection's further publishes, once node:http has answered this one, where that can be. */
export function servePublishesOfSocket(req: IncomingMessage, res: ServerResponse, options: PublishSocketOptions): void {
  const { socket } = req;
  const { server, hub } = options;
  const request = publishRequest(req);
  if (request === undefined) return;
  const last = before.get(socket);
  before.set(socket, request);
  // Of another number of requests than without end node:http keeps count.
  if (last === undefined || !isSame(last, request) || server.maxRequestsPerSocket) return;
  res.once("close", () => {
    if (socket.destroyed || hub.draining || !isLastRead(req)) return;
    if (takeFromHttp(socket)) new PublishSocket(socket, request, options);
  });
}

/** What has begun. */
interface Published {
  readonly channel: ChannelName;
  readonly appended: MaybePromise<Appended>;
  /** Where the next event has to wait for the fan-out. */
  readonly paced: Promise<void> | undefined;
}

class PublishSocket {
  readonly #socket: Socket;
  readonly #request: PublishRequest;
  readonly #options: PublishSocketOptions;
  #state: "idle" | "appending" | "closed" = "idle";
  /** Of a request that has not come whole, and how much more there must be before it is looked at again. */
  #part: Buffer[] = [];
  #missing = 0;
  #letGoOfPart: () => void = () => {};
  readonly #stopWaiting: () => void;
  readonly #onData = (bytes: Buffer) => this.#take(bytes);
  readonly #onClose = () => this.#close();
  readonly #onTimeout = () => this.#socket.destroy();

  constructor(socket: Socket, request: PublishRequest, options: PublishSocketOptions) {
    this.#socket = socket;
    this.#request = request;
    this.#options = options;
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
    socket.on("timeout", this.#onTimeout);
    this.#rest();
    this.#stopWaiting = options.hub.whenEnding(({ state }) => {
      if (this.#state !== "idle") return;
      // What has come of a request is under way, and node:http says of an answer that it is the connection's last.
      if (this.#part.length > 0) this.#giveBack(this.#whole(NOTHING));
      // What is on its way is told that the hub has closed.
      else if (state === "closed") socket.setTimeout(CLOSING_MS);
    });
  }

  #take(bytes: Buffer): void {
    // Whoever does not read the answers is not read either, and what comes before an answer is due waits.
    if (this.#state === "appending" || this.#socket.writableNeedDrain) this.#putOff(bytes);
    else if (this.#options.hub.draining) this.#giveBack(this.#whole(bytes));
    else if (bytes.length < this.#missing) this.#hold(bytes, this.#missing - bytes.length);
    else this.#serve(this.#part.length === 0 ? bytes : this.#whole(bytes));
  }

  /** Serves all requests in the bytes, and answers them with one write. */
  #serve(bytes: Buffer): void {
    const { maxEventBytes } = this.#options.hub.settings;
    let answers = "";
    for (let at = 0; at < bytes.length; ) {
      const found = findPublish(this.#request, bytes, at, maxEventBytes);
      if (found.kind === "part") {
        this.#hold(bytes.subarray(at), found.missing);
        break;
      }
      const published = found.kind === "whole" ? this.#publish(found.name, found.body) : undefined;
      if (found.kind === "other" || published === undefined) {
        this.#write(answers);
        this.#giveBack(bytes.subarray(at)); // refused there, with the reason
        return;
      }
      at = found.end;
      const { channel, appended, paced } = published;
      if (paced !== undefined || appended instanceof Promise) {
        this.#write(answers);
        void this.#wait(published, bytes.subarray(at));
        return;
      }
      answers += this.#answer(channel, appended);
    }
    this.#write(answers);
  }

  /** Undefined where it was refused at once: nothing has been appended then. */
  #publish(name: string, body: Buffer): Published | undefined {
    const { hub, input } = this.#options;
    try {
      const channel = parseChannelName(name);
      const appended = hub.append(channel, input(body));
      return { channel, appended, paced: hub.paced(channel) };
    } catch {
      return undefined;
    }
  }

  /** @param rest what came behind the request */
  async #wait({ channel, appended, paced }: Published, rest: Buffer): Promise<void> {
    const { hub } = this.#options;
    const done = hub.hold();
    this.#state = "appending";
    this.#socket.setTimeout(0);
    let answer: string;
    try {
      answer = this.#answer(channel, await appended);
      await paced;
    } catch (error) {
      const { status, headers, body } = problemAnswer(error);
      answer = this.#text(status, wholeHeaders(headers, body), body);
    }
    done();
    if (this.#isClosed()) return;
    this.#state = "idle";
    this.#rest();
    this.#write(answer);
    if (hub.closed) this.#socket.end();
    else if (rest.length > 0) this.#take(rest);
    if (this.#state === "idle" && this.#socket.isPaused()) this.#socket.resume();
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #answer(channel: ChannelName, { position }: Appended): string {
    const id = formatPosition(position);
    // Neither holds a character that JSON escapes.
    const body = `{"id":"${id}","channel":"${channel}"}\n`;
    return this.#text(201, wholeHeaders({ "Content-Type": "application/json", "Tailwire-Cursor": id }, body), body);
  }

  #text(status: number, headers: OutgoingHttpHeaders, body: string): string {
    const { hub, server } = this.#options;
    return `${answerHead(status, headers, hub.clock.now(), server.keepAliveTimeout)}${body}`;
  }

  #write(answers: string): void {
    if (answers !== "") this.#socket.write(answers);
  }

  #putOff(bytes: Buffer): void {
    const socket = this.#socket;
    socket.pause();
    socket.unshift(bytes);
    if (this.#state === "idle") socket.once("drain", () => socket.resume());
  }

  /** Ends the connection when it has been idle for as long as the server says. */
  #rest(): void {
    const { keepAliveTimeout } = this.#options.server;
    this.#socket.setTimeout(keepAliveTimeout > 0 ? keepAliveTimeout + KEEP_ALIVE_BUFFER_MS : 0);
  }

  #hold(bytes: Buffer, missing: number): void {
    if (this.#part.length === 0) this.#beginPart();
    this.#part.push(bytes);
    this.#missing = missing;
  }

  /** A request is under way: a drain waits for it, and it is not an idle connection's. */
  #beginPart(): void {
    const { hub } = this.#options;
    const done = hub.hold();
    const cancel = hub.clock.after(PART_MS, () => this.#giveBack(this.#whole(NOTHING)));
    this.#socket.setTimeout(0);
    this.#letGoOfPart = () => {
      cancel();
      hub.clock.soon(done); // whoever has it next holds the drain by then
    };
  }

  /** What is held, and these bytes. */
  #whole(bytes: Buffer): Buffer {
    const whole = Buffer.concat([...this.#part, bytes]);
    this.#part = [];
    this.#missing = 0;
    this.#letGoOfPart();
    this.#letGoOfPart = () => {};
    this.#rest();
    return whole;
  }

  #giveBack(bytes: Buffer): void {
    const socket = this.#socket;
    this.#close();
    socket.off("data", this.#onData);
    socket.off("close", this.#onClose);
    socket.off("timeout", this.#onTimeout);
    socket.setTimeout(0);
    socket.pause();
    giveToHttp(this.#options.server, socket, bytes);
    socket.resume();
  }

  #close(): void {
    this.#state = "closed";
    this.#letGoOfPart();
    this.#letGoOfPart = () => {};
    this.#stopWaiting();
  }
}
