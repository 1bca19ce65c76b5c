/** A server in memory, with the network before it: logs, links of every kind, and all that goes wrong between. */

import type {
  ChannelOp,
  Link,
  LinkListener,
  LinkRequest,
  Settle,
  Transport,
  TransportName,
} from "../../../src/client/link.ts";
import { openPolling } from "../../../src/client/transport/polling.ts";
import type { Cancel, Clock } from "../../../src/core/clock.ts";
import { TailwireError } from "../../../src/core/errors.ts";
import { formatPosition, type Position, parsePosition } from "../../../src/core/position.ts";
import type { AckMessage, EventMessage, GapMessage, Message } from "../../../src/wire/message.ts";

/** What a network does to a transport. `held`: each message comes with the next one. `dead`: open, and silent. */
export type Weather = "fine" | "refused" | "silent" | "held" | "dead";

const HEARTBEAT_MS = 15_000;
const PROBE_MS = 200;
const LONGEST_WAIT_MS = 60_000;

interface Log {
  epoch: string;
  /** The offset of the newest event that was trimmed. */
  trimmed: number;
  readonly events: EventMessage[];
}

export class MemoryServer {
  readonly logs = new Map<string, Log>();
  readonly links = new Set<ServerLink>();
  readonly weather = new Map<TransportName, Weather>();
  /** Waiting long polls. */
  readonly waiting = new Set<() => void>();
  readonly #clock: Clock;
  #epochs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  log(channel: string): Log {
    const log = this.logs.get(channel) ?? { epoch: `e${++this.#epochs}`, trimmed: 0, events: [] };
    this.logs.set(channel, log);
    return log;
  }

  head(channel: string): Position {
    const { epoch, trimmed, events } = this.log(channel);
    return { epoch, offset: trimmed + events.length };
  }

  publish(channel: string): void {
    const { epoch, offset } = this.head(channel);
    const id = formatPosition({ epoch, offset: offset + 1 });
    this.log(channel).events.push({ id, channel, type: "message", time: this.#clock.now(), data: offset + 1 });
    this.#tell();
  }

  trim(channel: string, keep: number): void {
    const log = this.log(channel);
    log.trimmed += log.events.splice(0, Math.max(0, log.events.length - keep)).length;
  }

  purge(channel: string): void {
    this.logs.delete(channel);
    this.log(channel);
    this.#tell();
  }

  cut(): void {
    for (const link of [...this.links]) link.cut();
  }

  /** Ends each link with `$close`. */
  close(reconnectMs: number): void {
    for (const link of [...this.links]) link.say({ type: "$close", code: 1012, reason: "restart", reconnectMs });
  }

  #tell(): void {
    for (const link of this.links) link.flush();
    for (const wake of [...this.waiting]) wake();
  }

  start(channel: string, from: string): Position {
    const { epoch, trimmed } = this.log(channel);
    const head = this.head(channel);
    if (from === "now") return head;
    if (from === "earliest") return { epoch, offset: trimmed };
    const last = /^-(\d+)$/.exec(from);
    if (last !== null) return { epoch, offset: Math.max(trimmed, head.offset - Number(last[1])) };
    return parsePosition(from) as Position;
  }

  /** What follows a position. */
  after(channel: string, at: Position): (EventMessage | GapMessage)[] {
    const { epoch, trimmed, events } = this.log(channel);
    const lost = at.epoch === epoch && at.offset >= trimmed ? undefined : at;
    const offset = lost === undefined ? at.offset : trimmed;
    const rest = events.slice(offset - trimmed);
    if (lost === undefined) return rest;
    const sameEpoch = lost.epoch === epoch;
    const gap: GapMessage = {
      type: "$gap",
      channel,
      after: formatPosition(lost),
      next: formatPosition({ epoch, offset }),
      lost: sameEpoch ? offset - lost.offset : null,
      reason: sameEpoch ? "trimmed" : "epoch",
    };
    // A gap is said before the event that follows it.
    return sameEpoch || rest.length > 0 ? [gap, ...rest] : [gap];
  }

  endless(name: TransportName, latencyMs: number, changes: boolean): Transport {
    return {
      name,
      available: () => true,
      open: (request, listener) => {
        const link = new ServerLink(
          name,
          this,
          this.#clock,
          this.weather.get(name) ?? "fine",
          latencyMs,
          request,
          listener,
        );
        return changes ? link : { close: () => link.close() };
      },
    };
  }

  polling(name: TransportName, latencyMs: number, restMs: number): Transport {
    const ask = (channels: ReadonlyMap<string, string>, wait: string, done: (body: unknown) => void) =>
      new Poll(this, this.#clock, this.weather.get(name) ?? "fine", latencyMs, channels, Number(wait), done).close;
    return {
      name,
      available: () => true,
      open: (request, listener) => openPolling({ name, restMs, ask }, request, listener),
    };
  }
}

class ServerLink implements Link {
  readonly #server: MemoryServer;
  readonly #clock: Clock;
  readonly #weather: Weather;
  readonly #latencyMs: number;
  readonly #listener: LinkListener;
  readonly name: TransportName;
  readonly #at = new Map<string, Position>();
  #timers: Cancel[] = [];
  #held: (() => void) | undefined;
  #state: "open" | "ended" = "open";

  constructor(
    name: TransportName,
    server: MemoryServer,
    clock: Clock,
    weather: Weather,
    latencyMs: number,
    request: LinkRequest,
    listener: LinkListener,
  ) {
    this.name = name;
    this.#server = server;
    this.#clock = clock;
    this.#weather = weather;
    this.#latencyMs = latencyMs;
    this.#listener = listener;
    server.links.add(this);
    if (weather === "silent") return;
    this.#later(latencyMs, () => {
      if (weather === "refused") this.cut();
      else this.#begin(request.channels);
    });
  }

  #later(ms: number, run: () => void): void {
    this.#timers.push(this.#clock.after(ms, () => this.#state === "open" && run()));
  }

  #begin(channels: ReadonlyMap<string, string>): void {
    for (const [channel, from] of channels) this.#at.set(channel, this.#server.start(channel, from));
    const parts = [...this.#at].map(([channel, at]) => `${channel}=${formatPosition(at)}`);
    const cursor = channels.size === 1 ? (parts[0] as string).replace(/^.*=/, "") : parts.join(",");
    this.say({ type: "$open", cursor, heartbeatMs: HEARTBEAT_MS, transport: "memory", time: this.#clock.now() });
    this.flush();
    this.#later(PROBE_MS, () => this.#heartbeat());
  }

  #heartbeat(): void {
    this.say({ type: "$heartbeat", time: this.#clock.now() });
    this.#later(HEARTBEAT_MS, () => this.#heartbeat());
  }

  flush(): void {
    for (const [channel, at] of this.#at) {
      for (const item of this.#server.after(channel, at)) {
        this.#at.set(
          channel,
          parsePosition(item.type === "$gap" ? (item as GapMessage).next : (item as EventMessage).id) as Position,
        );
        this.say(item);
      }
    }
  }

  say(message: Message): void {
    this.#send(() => this.#listener.message(structuredClone(message)));
  }

  #send(deliver: () => void): void {
    if (this.#state === "ended" || this.#weather === "dead") return;
    const now = this.#weather === "held" ? this.#held : deliver;
    this.#held = deliver;
    if (now !== undefined) this.#later(this.#latencyMs, now);
  }

  readonly change = (op: ChannelOp, settle: Settle): void => {
    this.#later(this.#latencyMs, () => {
      const { channel } = op;
      const ack = (cursor: Position) =>
        this.#send(() => settle({ type: "$ack", ref: 1, cursor: formatPosition(cursor) } as AckMessage));
      const at = this.#at.get(channel);
      if (op.op === "unsubscribe") {
        this.#at.delete(channel);
        ack(at as Position);
      } else if (at === undefined) {
        this.#at.set(channel, this.#server.start(channel, op.from));
        ack(this.#at.get(channel) as Position);
        this.flush();
      } else this.#send(() => settle(new TailwireError("invalid_channel", `${channel} is subscribed already`)));
    });
  };

  /** What is under way is lost. */
  cut(): void {
    if (this.#state === "ended") return;
    this.#end();
    this.#clock.after(1, () => this.#listener.ended(new TailwireError("unreachable", "cut")));
  }

  close(): void {
    this.#end();
  }

  #end(): void {
    this.#state = "ended";
    this.#server.links.delete(this);
    for (const cancel of this.#timers) cancel();
    this.#timers = [];
  }
}

class Poll {
  readonly #server: MemoryServer;
  readonly #clock: Clock;
  readonly #channels: ReadonlyMap<string, Position>;
  readonly #done: (body: unknown) => void;
  readonly #latencyMs: number;
  readonly #timers: Cancel[] = [];

  constructor(
    server: MemoryServer,
    clock: Clock,
    weather: Weather,
    latencyMs: number,
    channels: ReadonlyMap<string, string>,
    waitS: number,
    done: (body: unknown) => void,
  ) {
    this.#server = server;
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#done = done;
    this.#channels = new Map([...channels].map(([name, from]) => [name, server.start(name, from)]));
    if (weather === "silent" || weather === "dead") return;
    this.#later(latencyMs, () => {
      if (weather === "refused") this.#finish(new TailwireError("unreachable", "refused"));
      else this.#answer(waitS * 1000);
    });
  }

  readonly close = (): void => {
    for (const cancel of this.#timers) cancel();
    this.#server.waiting.delete(this.#wake);
  };

  readonly #wake = (): void => this.#answer(0);

  #later(ms: number, run: () => void): void {
    this.#timers.push(this.#clock.after(ms, run));
  }

  #answer(waitMs: number): void {
    const events = [...this.#channels].flatMap(([name, at]) => this.#server.after(name, at));
    if (events.length === 0 && waitMs > 0) {
      this.#server.waiting.add(this.#wake);
      this.#later(Math.min(waitMs, LONGEST_WAIT_MS), () => this.#finish(this.#body([])));
    } else this.#finish(this.#body(events));
  }

  #body(events: readonly (EventMessage | GapMessage)[]): unknown {
    const cursor = new Map(this.#channels);
    for (const item of events) {
      cursor.set(
        item.channel,
        parsePosition(item.type === "$gap" ? (item as GapMessage).next : (item as EventMessage).id) as Position,
      );
    }
    const parts = [...cursor].map(([name, at]) => `${name}=${formatPosition(at)}`);
    return { cursor: parts.length === 1 ? (parts[0] as string).replace(/^.*=/, "") : parts.join(","), events };
  }

  #finish(body: unknown): void {
    this.close();
    this.#later(this.#latencyMs, () => this.#done(structuredClone(body instanceof Error ? undefined : body) ?? body));
  }
}
