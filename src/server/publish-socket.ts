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
import { headLength } from "./request-text.ts";
import { problemAnswer, wholeHeaders } from "./respond.ts";

/** What was read of a connection with its last publish. */
interface Before {
  readonly request: PublishRequest;
  readonly bytesRead: number;
}

const NOTHING = Buffer.alloc(0);

const before = new WeakMap<Socket, Before>();
/** Connections on which not all requests are the same, such as a proxy's. */
const mixed = new WeakSet<Socket>();

export interface PublishSocketOptions {
  readonly hub: Hub;
  readonly server: Server;
  /** The event of a body. @throws {TailwireError} where it is none */
  readonly input: (body: Buffer) => EventInput;
}

/**
 * Serves the connection's further publishes, once node:http has answered this one, where that can be.
 * @param bodyLength of this one, in bytes
 */
export function servePublishesOfSocket(
  req: IncomingMessage,
  res: ServerResponse,
  bodyLength: number,
  options: PublishSocketOptions,
): void {
  const { socket } = req;
  const request = mixed.has(socket) ? undefined : publishRequest(req);
  if (request === undefined) return;
  const { bytesRead } = socket;
  const last = before.get(socket);
  before.set(socket, { request, bytesRead });
  // All that was read since the publish before is this one: node:http holds no byte that would be lost.
  const isAll = last !== undefined && bytesRead - last.bytesRead === headLength(req) + bodyLength;
  if (!isAll || !isSame(last.request, request) || options.server.maxRequestsPerSocket) return;
  res.once("close", () => {
    if (socket.destroyed || socket.bytesRead !== bytesRead || options.hub.draining) return;
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
  #partExpiry: () => void = () => {};
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
    socket.setTimeout(options.server.keepAliveTimeout);
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
    const { hub, server } = this.#options;
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
    this.#socket.setTimeout(server.keepAliveTimeout);
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

  #hold(bytes: Buffer, missing: number): void {
    const { hub, server } = this.#options;
    if (this.#part.length === 0 && server.requestTimeout > 0)
      this.#partExpiry = hub.clock.after(server.requestTimeout, this.#onTimeout);
    this.#part.push(bytes);
    this.#missing = missing;
  }

  /** What is held, and these bytes. */
  #whole(bytes: Buffer): Buffer {
    const whole = Buffer.concat([...this.#part, bytes]);
    this.#part = [];
    this.#missing = 0;
    this.#partExpiry();
    return whole;
  }

  #giveBack(bytes: Buffer): void {
    const socket = this.#socket;
    this.#close();
    mixed.add(socket);
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
    this.#partExpiry();
    this.#stopWaiting();
  }
}
