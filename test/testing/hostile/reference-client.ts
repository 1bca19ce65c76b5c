/**
 * A client as small as PROTOCOL.md allows: it keeps its position, comes back with it, drops what it has seen, takes
 * silence for the end, and goes to the next transport where one has brought nothing. What it may be told to do wrong is
 * what real clients do.
 */

import { once } from "node:events";
import { WebSocket } from "ws";
import { systemClock } from "../../../src/core/clock.ts";
import type { HostileClient, HostileListener } from "../../../src/testing/index.ts";
import { LineReader } from "../../../src/wire/ndjson.ts";

/** One attempt: settles or rejects when it is over; `take` is told every message, as JSON. */
type Way = (request: { url: URL; signal: AbortSignal; take: (json: string) => void }) => Promise<void>;

const WAYS: Readonly<Record<"websocket" | "stream" | "long-poll", Way>> = {
  "long-poll": async ({ url, signal, take }) => {
    url.searchParams.set("wait", "0.3");
    url.searchParams.set("limit", "50");
    const answer = await answered(fetch(url, { signal }));
    const { events } = (await answer.json()) as { readonly events: readonly unknown[] };
    for (const event of events) take(JSON.stringify(event));
    take('{"type":"$heartbeat"}'); // it works, also where nothing was new
  },
  stream: async ({ url, signal, take }) => {
    const answer = await answered(fetch(url, { signal, headers: { Accept: "application/x-ndjson" } }));
    const lines = new LineReader(1024 * 1024);
    for await (const chunk of answer.body ?? []) for (const line of lines.push(chunk)) take(line);
  },
  websocket: ({ url, signal, take }) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url, ["tailwire.v1"]);
      signal.addEventListener("abort", () => socket.terminate());
      socket.on("message", (data) => {
        for (const line of String(data).split("\n")) take(line);
      });
      socket.on("error", reject);
      socket.on("close", () => resolve());
    }),
};

export interface ReferenceOptions {
  readonly transports?: readonly (keyof typeof WAYS)[];
  /** How long a silence is taken for the end. Twice as long, up to three times, after a round of nothing but silence. */
  readonly silenceMs?: number;
  readonly wrong?:
    | "begins anew at now" // when it comes back
    | "takes the last event twice" // when it comes back
    | "gives up" // at the first error
    | "never waits longer" // however long the way is
    | undefined;
}

export function connectReference(url: string, listener: HostileListener, options: ReferenceOptions): HostileClient {
  const { transports = ["websocket", "stream", "long-poll"], silenceMs = 1000, wrong } = options;
  let position = "earliest";
  let offset = 0;
  let index = 0;
  let attempts = 0;
  let silent = 0; // attempts in a row that ended for that
  let current = new AbortController();
  let closed = false;

  /** Whether it brought more than `$open`. */
  async function attempt(way: Way): Promise<boolean> {
    let brought = false;
    attempts += 1;
    current = new AbortController();
    const { signal } = current;
    const rounds = wrong === "never waits longer" ? 0 : Math.floor(silent / transports.length);
    const wait = () => systemClock.after(silenceMs * 2 ** Math.min(rounds, 3), () => current.abort());
    let stopWaiting = wait();
    const take = (json: string) => {
      if (signal.aborted) return;
      stopWaiting();
      stopWaiting = wait();
      brought = takeMessage(JSON.parse(json)) || brought;
    };
    try {
      // Where its body is compressed, an aborted fetch of Node 20 sometimes never settles.
      await Promise.race([way({ url: place(), signal, take }), once(signal, "abort")]);
    } catch (error) {
      if (wrong === "gives up") listener.failed(error);
    } finally {
      stopWaiting();
    }
    return brought;
  }

  function place(): URL {
    const at = new URL("channels/chat", url);
    at.searchParams.set("from", wrong === "begins anew at now" && attempts > 1 ? "now" : position);
    return at;
  }

  function takeMessage(message: { readonly type: string; readonly id: string; readonly data: number }): boolean {
    if (message.type === "$gap") listener.gap(JSON.stringify(message));
    if (message.type.startsWith("$")) return message.type === "$heartbeat";
    const [epoch, at] = message.id.split(":");
    if (Number(at) <= offset) return true;
    offset = wrong === "takes the last event twice" ? Number(at) - 1 : Number(at);
    position = `${epoch}:${offset}`;
    listener.event(message.data);
    return true;
  }

  async function run(): Promise<void> {
    while (!closed) {
      const name = transports[index % transports.length] ?? "stream";
      const brought = await attempt(WAYS[name]);
      silent = brought || !current.signal.aborted ? 0 : silent + 1;
      if (!brought) index += 1;
      await new Promise<void>((resolve) => systemClock.after(20, resolve));
    }
  }

  const running = run();
  return {
    get transport() {
      return transports[index % transports.length];
    },
    close() {
      closed = true;
      current.abort();
      return running;
    },
  };
}

async function answered(answering: Promise<Response>): Promise<Response> {
  const answer = await answering;
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  return answer;
}
