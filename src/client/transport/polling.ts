/**
 * Transports that ask again and again, as one link: each answer brings what follows the last one's cursor. The first
 * is asked for without waiting; it stands for `$open`, and that it came whole proves that nothing is held back.
 */

import { TailwireError } from "../../core/errors.ts";
import type { Message } from "../../wire/message.ts";
import { positionsOf } from "../address.ts";
import type { Link, LinkListener, LinkRequest } from "../link.ts";
import { readMessage } from "./messages.ts";

/** What an answer may take, beside the wait. */
const ANSWER_MS = 5000;

/** How long the server is asked to wait for news: well below the minute after which proxies cut a silent connection. */
const WAIT_S = 25;

/** After an answer that brings nothing and takes less, so that nobody is asked thousands of times a second. */
const LEAST_MS = 1000;

export interface PollingOptions {
  readonly name: string;
  /** How long to rest between two requests, in milliseconds; 0: it waits at the server instead. */
  readonly restMs: number;
  /**
   * Asks once; calls back with the body, as it was parsed, or with why there is none, and with how many events it could
   * have. Returns what gives it up.
   */
  ask(channels: ReadonlyMap<string, string>, wait: string, done: (body: unknown, limit?: number) => void): () => void;
}

export function openPolling(options: PollingOptions, request: LinkRequest, listener: LinkListener): Link {
  const waitS = options.restMs > 0 ? 0 : WAIT_S;
  const wait = `${waitS}`;
  let channels = request.channels;
  let begun = false;
  let end: () => void = () => {};
  let closed = false;

  function ask(): void {
    const askedAt = request.clock.now();
    const [wasBegun, before] = [begun, `${[...channels]}`];
    end = options.ask(channels, begun ? wait : "0", (body, limit = Number.POSITIVE_INFINITY) => {
      if (closed) return;
      const events = taken(body);
      if (closed) return;
      const isIdle = wasBegun && `${[...channels]}` === before && request.clock.now() - askedAt < LEAST_MS;
      // As many events as it could have: there may be more.
      const restMs = events >= limit ? 0 : Math.max(options.restMs, isIdle ? LEAST_MS : 0);
      if (restMs > 0) end = request.clock.after(restMs, ask);
      else ask();
    });
  }

  /** Takes a body, or ends. */
  function taken(body: unknown): number {
    try {
      if (body instanceof TailwireError) throw body;
      return take(body);
    } catch (error) {
      closed = true;
      listener.ended(error as TailwireError);
      return 0;
    }
  }

  /**
   * @returns how many events there were
   * @throws {TailwireError} `protocol_error`, before any of the body is told
   */
  function take(body: unknown): number {
    const { cursor, events } = (body ?? {}) as { cursor?: unknown; events?: unknown };
    if (typeof cursor !== "string" || !Array.isArray(events)) {
      throw new TailwireError("protocol_error", "the answer is not a poll's");
    }
    const messages = events.flatMap((event) => readMessage(event) ?? []) as Message[];
    channels = positionsOf(channels, cursor);
    const time = request.clock.now();
    // Twice this, and the answer is overdue.
    const heartbeatMs = (waitS * 1000 + options.restMs + ANSWER_MS) / 2;
    if (!begun) messages.push({ type: "$open", cursor, heartbeatMs, transport: options.name, time });
    messages.push({ type: "$heartbeat", time });
    begun = true;
    for (const message of messages) if (!closed) listener.message(message);
    return events.length;
  }

  ask();
  return {
    close() {
      closed = true;
      end();
    },
  };
}
