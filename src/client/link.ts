/** The contract of a client's transports: what stands above them never asks which one it has. */

import type { TailwireError } from "../core/errors.ts";
import type { AckMessage, Message } from "../wire/message.ts";
import type { ClientClock } from "./backoff.ts";

/** What a link is opened with. */
export interface LinkRequest {
  /** Where the server's routes begin, with a slash at the end. */
  readonly base: string;
  /** The channels, and where to begin in each: `now`, `earliest`, `-N` or a position. */
  readonly channels: ReadonlyMap<string, string>;
  readonly token: string | undefined;
  /** Whether cookies go to another origin, too. */
  readonly withCredentials: boolean;
  readonly clock: ClientClock;
  /** The WebSocket class to use, where it is not the global one. */
  readonly WebSocket: typeof WebSocket | undefined;
}

/** Who is told what comes over a link. Nothing comes after `ended`, nor after the link was closed. */
export interface LinkListener {
  /** Something has come, though not yet a whole message. */
  heard(): void;
  /**
   * What has come: on every transport `$open` when the link works, `$heartbeat` as proof that it does not hold
   * anything back, and events and gaps. Transports without such messages make them from what they do have.
   */
  message(message: Message): void;
  /** `protocol_error`, `unreachable`, or the server's own code. */
  ended(error: TailwireError): void;
}

/** Called once with the answer to a request, before anything that comes behind it. */
export type Settle = (answer: AckMessage | TailwireError) => void;

/** An event on its way to the server. */
export interface PublishOp {
  readonly op: "publish";
  readonly channel: string;
  /** JSON, text, or base64 where `encoding` says so. */
  readonly data: unknown;
  readonly encoding?: "base64";
  readonly type?: string;
  readonly key?: string;
  readonly idempotencyKey: string;
}

/** A change of the channels of a link. */
export type ChannelOp =
  | { readonly op: "subscribe"; readonly channel: string; readonly from: string }
  | { readonly op: "unsubscribe"; readonly channel: string };

/** An open link, or one that is being opened. */
export interface Link {
  close(): void;
  /** Changes the channels of this link, where the transport can. */
  readonly change?: (op: ChannelOp, settle: Settle) => void;
  /** Publishes by this transport's own means, where it has them. */
  readonly publish?: (op: PublishOp, settle: Settle) => void;
}

/** The names of the transports, as `transports` and `push.transport` have them. */
export type TransportName = "websocket" | "sse" | "stream" | "xhr-stream" | "long-poll" | "iframe" | "jsonp" | "poll";

/** One way to a server. */
export interface Transport {
  readonly name: TransportName;
  /** Whether this browser, or this Node, has what it needs. */
  available(request: Pick<LinkRequest, "WebSocket">): boolean;
  open(request: LinkRequest, listener: LinkListener): Link;
}
