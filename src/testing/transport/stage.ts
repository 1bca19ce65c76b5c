/** What a case of the transport suite works with: a server, clients, and an end to all of them. */

import assert, { AssertionError } from "node:assert/strict";
import { type Cancel, systemClock } from "../../core/clock.ts";
import type { GapMessage, SystemMessage } from "../../wire/message.ts";
import { PATIENCE_MS } from "../waiting.ts";
import type {
  ConnectOptions,
  DriverConnection,
  DriverEvent,
  DriverMessage,
  StartServer,
  TransportDriver,
  TransportServer,
  TransportSettings,
} from "./driver.ts";
import { TransportRefusal } from "./driver.ts";

/** A case, before it has a driver and a server. */
export interface TransportCase {
  readonly name: string;
  /** Whether a transport can be asked for this; where it is left out, each can. */
  fits?(driver: TransportDriver): boolean;
  readonly settings?: TransportSettings;
  run(stage: Stage): Promise<void>;
}

export class Stage {
  readonly driver: TransportDriver;
  readonly server: TransportServer;
  readonly #clients: Client[] = [];

  static async set(driver: TransportDriver, start: StartServer, settings: TransportSettings): Promise<Stage> {
    return new Stage(driver, await start(settings));
  }

  private constructor(driver: TransportDriver, server: TransportServer) {
    this.driver = driver;
    this.server = server;
  }

  /** @param channels one name, or several with commas between */
  async connect(channels: string, options: ConnectOptions = {}): Promise<Client> {
    const url = `${this.server.url}channels/${channels}`;
    const client = new Client(await this.driver.connect(url, options));
    this.#clients.push(client);
    return client;
  }

  /** Connects, and expects an error instead of messages. */
  async refusal(channels: string, options: ConnectOptions = {}): Promise<TransportRefusal> {
    try {
      const client = await this.connect(channels, options);
      const message = await client.next();
      throw new AssertionError({ message: `refused was expected, and ${JSON.stringify(message)} came` });
    } catch (error) {
      if (error instanceof TransportRefusal) return error;
      throw error;
    }
  }

  /** Publishes each, one after the other; gives their ids. */
  async publish(channel: string, ...data: readonly unknown[]): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const each of data) ids.push((await this.server.hub.publish(channel, each)).id);
    return ids;
  }

  async strike(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop();
  }
}

/** A connection, with the words of the cases. Whatever does not come in time ends it. */
export class Client {
  readonly connection: DriverConnection;

  constructor(connection: DriverConnection) {
    this.connection = connection;
  }

  get cursor(): string {
    return this.connection.cursor;
  }

  close(): void {
    this.connection.close();
  }

  /** The next message of whatever kind; undefined at the end. */
  async next(): Promise<DriverMessage | undefined> {
    return this.#inTime("a message", async () => (await this.connection.next()).value);
  }

  /** The next message that `wanted` is true of; others are passed over, as far as `allowed` lets them. */
  async find<T extends DriverMessage>(
    what: string,
    wanted: (message: DriverMessage) => message is T,
    allowed: (message: DriverMessage) => boolean,
  ): Promise<T> {
    return this.#inTime(what, async () => {
      for (;;) {
        const { done, value } = await this.connection.next();
        if (done === true) throw new AssertionError({ message: `the connection ended before ${what}` });
        if (wanted(value)) return value;
        if (!allowed(value)) throw new AssertionError({ message: `before ${what} came ${JSON.stringify(value)}` });
      }
    });
  }

  /** The next events, without a gap among them. */
  async events(count: number): Promise<readonly DriverEvent[]> {
    const events: DriverEvent[] = [];
    while (events.length < count)
      events.push(await this.find(`event ${events.length + 1} of ${count}`, isEvent, isCalm));
    return events;
  }

  async event(): Promise<DriverEvent> {
    return this.find("an event", isEvent, isCalm);
  }

  /** The next event or gap. */
  async item(): Promise<DriverEvent | GapMessage> {
    return this.find("an event or a gap", isItem, isCalm);
  }

  async gap(): Promise<GapMessage> {
    return this.find("a gap", isGapMessage, isCalm);
  }

  /** The next message of a system type; events before it are passed over. */
  async system<T extends SystemMessage["type"]>(type: T): Promise<Extract<SystemMessage, { type: T }>> {
    const wanted = (message: DriverMessage): message is Extract<SystemMessage, { type: T }> => message.type === type;
    return this.find(type, wanted, () => true);
  }

  /** Reads to the end. */
  async ended(): Promise<void> {
    while ((await this.next()) !== undefined);
  }

  async #inTime<T>(what: string, wait: () => Promise<T>): Promise<T> {
    let late = false;
    const cancel: Cancel = systemClock.after(PATIENCE_MS, () => {
      late = true;
      this.connection.close();
    });
    const [outcome] = await Promise.allSettled([wait()]);
    cancel();
    // Whatever the wait came to: it came to it because the connection was closed.
    if (late) throw new AssertionError({ message: `in ${PATIENCE_MS} ms there came not ${what}` });
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }
}

function isEvent(message: DriverMessage): message is DriverEvent {
  return !message.type.startsWith("$");
}

function isGapMessage(message: DriverMessage): message is GapMessage {
  return message.type === "$gap";
}

function isItem(message: DriverMessage): message is DriverEvent | GapMessage {
  return isEvent(message) || isGapMessage(message);
}

/** What may stand between events at any time. */
function isCalm(message: DriverMessage): boolean {
  return message.type === "$open" || message.type === "$heartbeat";
}

/** What a transport makes of data: the fields `data` and `encoding` of the event that arrives. */
export function arriving(driver: TransportDriver, data: unknown): Pick<DriverEvent, "data" | "encoding"> {
  if (data instanceof Uint8Array) {
    const base64 = Buffer.from(data).toString("base64");
    return driver.carries.includes("binary") ? { data: base64, encoding: "base64" } : { data: base64 };
  }
  if (typeof data !== "string") return { data: driver.carries.includes("json") ? data : JSON.stringify(data) };
  return { data: driver.carries.includes("line-breaks") ? data : data.replace(/\r\n|\r/g, "\n") };
}

/** The fields of an event that {@link arriving} foretells. */
export function arrived({ data, encoding }: DriverEvent): Pick<DriverEvent, "data" | "encoding"> {
  return encoding === undefined ? { data } : { data, encoding };
}

/** The number that the data is, or that its text begins with. */
export function numberOf({ data }: DriverEvent): number {
  return typeof data === "number" ? data : Number.parseInt(String(data), 10);
}

/** `from`, `from + 1`, … `to`. */
export function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/**
 * Keeps the books of one reader of a channel in which event n has offset n and begins with the number n: every
 * event in order and once, or in a gap that says so exactly.
 */
export class Ledger {
  readonly #carriesIds: boolean;
  /** The newest event that was received, or told to be lost. */
  last: number;
  received = 0;
  lost = 0;

  constructor(driver: TransportDriver, last = 0) {
    this.#carriesIds = driver.carries.includes("id");
    this.last = last;
  }

  enter(message: DriverEvent | GapMessage): void {
    if (isGapMessage(message)) this.#enterGap(message);
    else this.#enterEvent(message);
  }

  #enterEvent(event: DriverEvent): void {
    assert.equal(numberOf(event), this.last + 1, "the event that follows");
    if (this.#carriesIds) assert.equal(offsetOf(event.id ?? ""), this.last + 1, "with the offset that follows");
    this.last += 1;
    this.received += 1;
  }

  #enterGap(gap: GapMessage): void {
    const [after, next] = [offsetOf(gap.after), offsetOf(gap.next)];
    assert.equal(after, this.last, "a gap begins where the reader stands");
    assert.equal(gap.reason, "trimmed");
    assert.equal(gap.lost, next - after, "a gap says exactly how many are lost");
    assert.ok(next > after, "a gap is of at least one event");
    this.last = next;
    this.lost += next - after;
  }
}

export function offsetOf(id: string): number {
  return Number(id.slice(id.indexOf(":") + 1));
}
