/** What the transport suite is given: a client for one transport, and a server to run it against. */

import type { Hub } from "../../core/hub.ts";
import type { Retention } from "../../core/log.ts";
import type { HubSettings } from "../../core/settings.ts";
import type { SystemMessage } from "../../wire/message.ts";

/** What of an event reaches the client; its data, as text at least, always does. */
export type Carried =
  | "id" // its position, and with it the means to come back
  | "channel" // its channel, so that several can share a connection
  | "type"
  | "key"
  | "time"
  | "json" // that its data is JSON, and not text
  | "binary" // that its data is bytes, and not text
  | "line-breaks"; // CR and CRLF in its text as they are, and not as LF

/** Everything, as the messages of the protocol do. */
export const CARRIES_ALL: readonly Carried[] = [
  "id",
  "channel",
  "type",
  "key",
  "time",
  "json",
  "binary",
  "line-breaks",
];

/** An event as a client has it. What its transport does not carry is missing, and its type `message`. */
export interface DriverEvent {
  readonly type: string;
  readonly id?: string;
  readonly channel?: string;
  readonly key?: string;
  readonly time?: number;
  /** A JSON value, or a text: JSON's own text, or base64, where the kind of data is not carried. */
  readonly data: unknown;
  readonly encoding?: "base64";
}

/** What a client is sent. A ping, a comment or a close frame is given as the message that it stands for. */
export type DriverMessage = DriverEvent | SystemMessage;

export interface ConnectOptions {
  /** `from=`: where to begin. */
  readonly from?: string;
  /** The header `Last-Event-ID`, which wins over `from`. */
  readonly lastEventId?: string;
  /** Aborted: the client is gone, without a word. Over TCP, with a reset. */
  readonly signal?: AbortSignal;
}

/** A client's link. Transports that end after each answer ask again by themselves, from where they stand. */
export interface DriverConnection {
  /**
   * What to come back with after the messages taken so far: a cursor over all channels; "" where the
   * transport does not carry ids.
   */
  readonly cursor: string;
  /** The next message; done once the link has ended. Rejects with a {@link TransportRefusal}, and for a broken protocol. */
  next(): Promise<IteratorResult<DriverMessage, undefined>>;
  /** Reads no more from the network, so that what the server sends piles up. It may have read a little ahead. */
  pause(): void;
  resume(): void;
  /** Ends the link in order. */
  close(): void;
}

/** A client for one transport. */
export interface TransportDriver {
  /** For the names of cases. */
  readonly name: string;
  /** What `$open` calls the transport. */
  readonly transport: string;
  /** Whether one connection brings event after event, with `$open`, `$heartbeat` and `$close`. */
  readonly endless: boolean;
  /** Whether the server holds the request while there is nothing to send: true where it is endless. */
  readonly waits: boolean;
  /** Whether the client hears `$open`. */
  readonly opens: boolean;
  /** Whether the server asks a silent peer whether it is there, and ends the link where no answer comes. */
  readonly pings: boolean;
  readonly carries: readonly Carried[];
  /**
   * Subscribes. Settles once nothing that is published from then on is missed.
   * @param url of the channels, such as `http://127.0.0.1:7070/channels/chat,news`, without a query
   * @throws {TransportRefusal} here or at the first `next`
   */
  connect(url: string, options: ConnectOptions): Promise<DriverConnection>;
}

/** The server answered with an error. */
export class TransportRefusal extends Error {
  override readonly name = "TransportRefusal";
  readonly status: number;
  /** The problem's `code`; "" without one. */
  readonly code: string;

  constructor(status: number, code: string) {
    super(`the server answered ${status} ${code}`);
    this.status = status;
    this.code = code;
  }
}

/** How the hub of a case is set; what is left out is the hub's and the store's default. */
export interface TransportSettings extends Partial<HubSettings> {
  readonly retention?: Partial<Retention>;
}

/** A server of its own for one case. */
export interface TransportServer {
  /** Where its routes begin, with a slash at the end. */
  readonly url: string;
  readonly hub: Hub;
  /** Open sockets, from the server's side. */
  connections(): number;
  /** How many times the hub follows a channel in its store: 0 when no client is left. */
  follows(): number;
  /** Bytes that the server has written and the system has not taken, over all sockets. */
  unsentBytes(): number;
  /** Moves the hub's clock on: timers due by then run, in order. What runs `soon` runs by itself. */
  advance(ms: number): void;
  /** Ends it, whatever is still connected. */
  stop(): Promise<void>;
}

export type StartServer = (settings: TransportSettings) => Promise<TransportServer>;
