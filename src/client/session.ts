/**
 * One client's way to a server: a link at a time (two while one takes over from the other), wherever it has to be
 * looked for, and the places of its channels. Whatever happens to links, items leave here once and in order.
 *
 *              want()                    proved                 lost, stale, $close
 *   closed ---------------> connecting -----------> open ----------------------------.
 *     ^                      ^   | none proved        |                              |
 *     |                      |   v                    | want(), better, check:       |
 *     |    time is up, check |  waiting <-------------+-- a race beside the link <---'
 *     `-- close(), a refusal that nothing will change, nothing wanted
 */

import type { Cancel } from "../core/clock.ts";
import { TailwireError } from "../core/errors.ts";
import type { CloseMessage, HeartbeatMessage, Message, OpenMessage } from "../wire/message.ts";
import { backoffMs, type ClientClock } from "./backoff.ts";
import type { Feed, FeedListener, State } from "./feed.ts";
import type { Link, LinkRequest, Transport, TransportName } from "./link.ts";
import { createPlaces, cursorBefore, type ItemMessage } from "./places.ts";
import { createRace, type Race, type Runner } from "./race.ts";

export interface SessionOptions extends Pick<LinkRequest, "base" | "withCredentials" | "WebSocket"> {
  /** In order of preference, and available here. */
  readonly transports: readonly Transport[];
  /** Asked for at each connection. */
  readonly token: () => string | undefined | Promise<string | undefined>;
  readonly clock: ClientClock;
  /** What proved itself last, and to say what does now. */
  readonly remembered: { get(): TransportName | undefined; set(name: TransportName): void };
}

/** A better transport than the one in use is tried after this, then after ever longer, up to the most. */
const BETTER_MS = 5000;
const MOST_BETTER_MS = 60 * 60_000;
/** A proof that comes later than this was held back until something else was sent. */
const MAX_PROOF_LATE_MS = 500;
/** A heartbeat of a link in use, likewise. */
const MAX_LATE_MS = 5000;
/** A timer this late tells that the machine slept. */
const LATE_MS = 5000;

/** Whatever a server promises. */
const LEAST_HEARTBEAT_MS = 1000;

/** A link with what is known of it. */
interface Connection extends Runner {
  readonly transport: Transport;
  asked: ReadonlyMap<string, string>;
  /** Channels that it was asked for later, and has not begun. */
  readonly changing: Map<string, object>;
  link: Link | undefined;
  state: "new" | "open" | "ended";
  /** Whether anything new has come over it. */
  brought: boolean;
  heartbeatMs: number;
  heardAt: number;
  /** The least that a message of the server's has been under way, by clocks that need not agree. */
  leastDelayMs: number;
}

/** Makes a session; it connects once it wants a channel. */
export function createSession(options: SessionOptions, listener: FeedListener): Feed {
  const { clock } = options;
  const places = createPlaces();
  let current: Connection | undefined;
  let race: Race | undefined;
  let timer: Cancel | undefined; // of the next attempt
  let tick: Cancel | undefined; // of the link in use
  let applying = false;
  let attempt = 0;
  let betterMs = BETTER_MS;
  let betterAt = 0;
  let lastError: TailwireError | undefined;
  let held: Transport | undefined;
  let lastName = options.remembered.get();
  let state: State = "closed";
  let told: Connection | undefined;
  let closed = false;

  // --- states

  function settle(reason?: TailwireError): void {
    const now = closed || places.wanted.size === 0 ? "closed" : current ? "open" : timer ? "waiting" : "connecting";
    if (now === state && current === told) return;
    state = now;
    told = current;
    listener.state(state, reason ?? (now === "waiting" ? lastError : undefined));
  }

  /** All links end, and nothing is under way. */
  function rest(): void {
    timer?.();
    timer = undefined;
    race?.end();
    race = undefined;
    drop();
  }

  function stop(reason?: TailwireError): void {
    if (closed) return;
    closed = true;
    rest();
    settle(reason);
    if (reason !== undefined) listener.error(reason);
  }

  function again(ms: number): void {
    race?.end();
    race = undefined;
    timer?.();
    timer = clock.after(ms, () => connect());
    settle();
  }

  // --- links

  /** Looks for a link, beside the one in use where there is one. */
  function connect(transports = inOrder()): void {
    timer?.();
    timer = undefined;
    race?.end();
    race = createRace({ transports, clock, launch, lost: () => lost(transports) });
    settle();
  }

  /** First what worked last, and last what was found to hold back. */
  function inOrder(): readonly Transport[] {
    const rank = (transport: Transport) => (transport === held ? 1 : transport.name === lastName ? -1 : 0);
    return [...options.transports].sort((a, b) => rank(a) - rank(b));
  }

  function lost(tried: readonly Transport[]): void {
    race = undefined;
    // Only better ones were tried, quietly.
    if (current !== undefined && tried.length < options.transports.length) return;
    again(backoffMs(attempt++, clock.random()));
  }

  function launch(transport: Transport): Connection {
    const connection: Connection = {
      transport,
      asked: places.wanted,
      changing: new Map(),
      link: undefined,
      state: "new",
      brought: false,
      heartbeatMs: 0,
      heardAt: clock.now(),
      leastDelayMs: Number.POSITIVE_INFINITY,
      stop() {
        connection.state = "ended";
        connection.link?.close();
      },
    };
    void openLink(connection);
    return connection;
  }

  async function openLink(connection: Connection): Promise<void> {
    const { transport, asked } = connection;
    try {
      // Never at once: a race does not listen before it has all its runners.
      const token = await Promise.resolve().then(options.token);
      if (isEnded(connection)) return;
      const { base, withCredentials, WebSocket } = options;
      connection.link = transport.open(
        { base, channels: asked, token, withCredentials, WebSocket, clock },
        {
          heard: () => heard(connection),
          message: (message) => guard(connection, () => take(connection, message)),
          ended: (error) => ended(connection, error),
        },
      );
      if (isEnded(connection)) connection.link.close();
    } catch (error) {
      listener.error(error);
      ended(connection, asError(error));
    }
  }

  function guard(connection: Connection, run: () => void): void {
    if (connection.state === "ended") return;
    try {
      run();
    } catch (error) {
      ended(connection, asError(error));
    }
  }

  function ended(connection: Connection, error: TailwireError): void {
    if (connection.state === "ended") return;
    connection.stop();
    lastError = error;
    // What no other transport, and no later attempt, would change; the channels that were fine before still are.
    if (error.code.startsWith("invalid_") && !places.giveUpNew()) {
      stop(error);
      return;
    }
    if (error.code !== "unreachable") listener.error(error);
    if (connection !== current) {
      race?.failed(connection);
      return;
    }
    drop();
    if (race === undefined) again(backoffMs(attempt++, clock.random()));
    settle();
  }

  function drop(): void {
    tick?.();
    current?.stop();
    current = undefined;
  }

  function win(connection: Connection): void {
    race?.end(connection);
    race = undefined;
    drop();
    current = connection;
    attempt = 0;
    lastName = connection.transport.name;
    options.remembered.set(lastName);
    betterMs = BETTER_MS;
    betterAt = clock.now() + betterMs;
    watch(connection);
    settle();
  }

  // --- what comes

  function heard(connection: Connection): void {
    connection.heardAt = clock.now();
    race?.heard(connection);
  }

  function take(connection: Connection, message: Message): void {
    const timed = message.type === "$open" || message.type === "$heartbeat";
    const late = timed ? lateMs(connection, message as OpenMessage | HeartbeatMessage) : 0;
    heard(connection);
    if (message.type === "$open") opened(connection, message as OpenMessage);
    else if (message.type === "$close") closing(connection, message as CloseMessage);
    else if (message.type === "$heartbeat") proven(connection, late);
    else pass(connection, message as ItemMessage);
  }

  /**
   * How much longer than the quickest one a message was under way, though nothing else came before it: what holds
   * messages back comes to light here. Of both clocks only the difference counts; more of it than can be is a clock
   * that was set.
   */
  function lateMs(connection: Connection, { time }: OpenMessage | HeartbeatMessage): number {
    const now = clock.now();
    const late = now - time - Math.min(now - time, connection.leastDelayMs);
    const wasSet = late > 3 * connection.heartbeatMs && connection.state === "open";
    connection.leastDelayMs = wasSet ? now - time : Math.min(now - time, connection.leastDelayMs);
    return wasSet ? 0 : Math.min(late, now - connection.heardAt);
  }

  function proven(connection: Connection, late: number): void {
    if (connection !== current) {
      if (connection.state === "open" && late <= MAX_PROOF_LATE_MS) win(connection);
    } else if (late > MAX_LATE_MS) {
      held = connection.transport;
      ended(connection, new TailwireError("unreachable", "messages are held back"));
    }
  }

  function opened(connection: Connection, message: OpenMessage): void {
    connection.state = "open";
    connection.heartbeatMs = Math.max(message.heartbeatMs, LEAST_HEARTBEAT_MS);
    race?.opened(connection);
    begin(connection.asked, message.cursor);
  }

  /** @throws {TailwireError} where a link begins behind what is known: it is of no use */
  function begin(asked: ReadonlyMap<string, string>, cursor: string): void {
    places.begin(asked, cursor, (channel, at) => listener.begin(channel, at, asked.get(channel)));
  }

  function pass(connection: Connection, message: ItemMessage): void {
    const { channel } = message;
    if (connection.changing.has(channel)) return; // of an earlier subscription to it
    const asked = connection.asked.get(channel) ?? "now";
    // The first answer of a poll has its events before the cursor that it ends at.
    if (places.at(channel) === undefined) begin(new Map([[channel, asked]]), cursorBefore(message));
    const item = places.take(message);
    if (item === "seen") return;
    if (item === "missed") {
      // Only the first answer of a poll may begin after what another link has found to be the beginning.
      const code = connection.state === "new" ? "unreachable" : "protocol_error";
      throw new TailwireError(code, "events are missing, and no $gap says so");
    }
    attempt = 0;
    connection.brought = true;
    listener.item(item);
  }

  function closing(connection: Connection, { code, reason, reconnectMs }: CloseMessage): void {
    if (reconnectMs === null) stop(new TailwireError("unreachable", `closed by the server: ${code} ${reason}`));
    else if (reconnectMs === 0 && (connection === current || connection.brought)) {
      // Its answer has become long, which is proof enough.
      if (connection !== current) win(connection);
      connect();
    } else if (connection === current) {
      drop();
      again(reconnectMs);
    } else ended(connection, new TailwireError("unreachable", reason));
  }

  // --- the link in use

  function watch(connection: Connection): void {
    tick?.();
    const ms = connection.heartbeatMs / 2;
    const due = clock.now() + ms;
    tick = clock.after(ms, () => {
      const now = clock.now();
      watch(connection);
      if (now - connection.heardAt > 2 * connection.heartbeatMs)
        ended(connection, new TailwireError("unreachable", "silent for too long"));
      else if (now - due > LATE_MS) check();
      else if (now > betterAt && race === undefined) tryBetter(connection);
    });
  }

  function tryBetter({ transport }: Connection): void {
    betterMs = Math.min(4 * betterMs, MOST_BETTER_MS);
    betterAt = clock.now() + betterMs;
    const better = options.transports.slice(0, options.transports.indexOf(transport));
    if (better.length > 0) connect(better);
  }

  function check(networkChanged = false): void {
    if (closed) return;
    const silentMs = current === undefined ? 0 : clock.now() - current.heardAt;
    const doubtful = current !== undefined && (networkChanged || silentMs > 1.2 * current.heartbeatMs);
    if (timer !== undefined || (doubtful && race === undefined)) connect();
  }

  // --- what is wanted

  function want(channels: ReadonlyMap<string, string>): void {
    const { added, gone } = places.want(channels);
    if (closed || (added.length === 0 && gone.length === 0)) return;
    if (channels.size === 0) rest();
    else if (current?.link?.change !== undefined && race === undefined && !applying) ask(current, added, gone);
    else apply();
    settle();
  }

  /** The channels that are new cannot be had; the others go on. */
  function refused(error: TailwireError): void {
    if (!places.giveUpNew()) throw error;
    listener.error(error);
  }

  /** All that is wanted in one turn makes one request. */
  function apply(): void {
    if (applying) return;
    applying = true;
    queueMicrotask(() => {
      applying = false;
      if (!closed && places.wanted.size > 0) connect();
    });
  }

  function ask(connection: Connection, added: readonly string[], gone: readonly string[]): void {
    const change = connection.link?.change;
    connection.asked = places.wanted;
    for (const channel of gone) change?.({ op: "unsubscribe", channel }, () => {});
    for (const channel of added) {
      const from = connection.asked.get(channel) ?? "now";
      const mark = {};
      connection.changing.set(channel, mark);
      change?.({ op: "subscribe", channel, from }, (answer) =>
        guard(connection, () => {
          if (connection.changing.get(channel) !== mark) return; // asked for once more since
          connection.changing.delete(channel);
          if (answer instanceof TailwireError) refused(answer);
          else begin(new Map([[channel, from]]), answer.cursor ?? "");
        }),
      );
    }
  }

  return {
    want,
    check,
    close: () => stop(),
    at: places.at,
    get state() {
      return state;
    },
    get transport() {
      return current?.transport.name;
    },
    get publish() {
      return current?.link?.publish;
    },
  };
}

/** A function, so that the compiler takes the state for what it may have become by now. */
function isEnded({ state }: Connection): boolean {
  return state === "ended";
}

function asError(error: unknown): TailwireError {
  return error instanceof TailwireError ? error : new TailwireError("unreachable", String(error), { cause: error });
}
