/**
 * One connection to one Redis, for as long as it lasts: it is not mended, but replaced (see line.ts). So nothing waits
 * in it for better times, and nothing is sent twice.
 *
 * A Redis that hangs (a stopped process, a cut network) closes nothing. Answers come in order, so it is enough to see
 * that there are any: where something was asked and no answer at all came for a while, the connection is ended.
 */

import { createClient, RESP_TYPES, type RedisClientOptions } from "redis";
import type { Cancel, Clock } from "../../core/clock.ts";
import { TailwireError } from "../../core/errors.ts";
import { checkServer, type Expected, hasNoScript, notConnected, refused, unavailable } from "./failure.ts";
import type { ScriptName } from "./scripts.ts";

export type ClientOptions = RedisClientOptions;
export type Scripts = Readonly<Record<ScriptName, string>>;

export interface ConnectionSettings {
  readonly client: ClientOptions;
  /** How it is called in errors: host and port. */
  readonly where: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Commands under way on one connection; more are refused. */
const MAX_UNDER_WAY = 100_000;
/** An answer is looked for so many times in `timeoutMs`. */
const LOOKS = 4;

const BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };
type Client = ReturnType<typeof newClient>;

function newClient({ client, timeoutMs }: ConnectionSettings) {
  const { keyPrefix: _, ...options } = client;
  return createClient({
    ...options,
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_UNDER_WAY,
    commandOptions: { timeout: 0, typeMapping: BYTES }, // a timer for each command costs more than the command
    maintNotifications: "disabled",
    socket: { ...options.socket, connectTimeout: timeoutMs, reconnectStrategy: false },
  } as RedisClientOptions);
}

export class Connection {
  readonly where: string;
  readonly #client: Client;
  readonly #settings: ConnectionSettings;
  readonly #digests = new Map<ScriptName, string>();
  #scripts: Scripts | undefined;
  #state: "opening" | "open" | "closed" = "opening";
  /** Why it has ended. */
  #lost: TailwireError | undefined;
  #underWay = 0;
  /** Whether an answer came since it was last looked for. */
  #heard = true;
  #silentLooks = 0;
  #look: Cancel | undefined;
  #whenClosed: (error: TailwireError) => void = () => {};

  /**
   * Opens a connection within `timeoutMs`.
   * @throws {TailwireError} `store_unavailable`, or `misuse` where no waiting helps
   */
  static async open(settings: ConnectionSettings): Promise<Connection> {
    const connection = new Connection(settings);
    const { where, timeoutMs, clock } = settings;
    const cancel = clock.after(timeoutMs, () => connection.#end(unavailable(`Redis at ${where} does not answer`)));
    try {
      await connection.#client.connect();
      if (connection.#state === "closed") throw unavailable(`Redis at ${where} does not answer`);
      connection.#state = "open";
      connection.#lookLater();
      return connection;
    } catch (error) {
      connection.#end(notConnected(where, error));
      throw connection.#lost ?? notConnected(where, error);
    } finally {
      cancel();
    }
  }

  private constructor(settings: ConnectionSettings) {
    this.where = settings.where;
    this.#settings = settings;
    this.#client = newClient(settings);
    this.#client.on("error", (error) => this.#end(this.#whyLost(error)));
    this.#client.on("end", () => this.#end(unavailable("the connection to Redis has ended")));
  }

  /** Who is told when it has ended, unless by {@link close}. */
  set onClosed(listener: (error: TailwireError) => void) {
    this.#whenClosed = listener;
    if (this.#lost !== undefined) listener(this.#lost);
  }

  /** @throws {TailwireError} `misuse` where the server is not one that the store can work with */
  async check(expected: Expected): Promise<void> {
    checkServer(this.where, String(await this.ask(["INFO", "server"])), expected);
  }

  /** Gives Redis the scripts, before anything that needs them. */
  async load(scripts: Scripts): Promise<void> {
    this.#scripts = scripts;
    const names = Object.keys(scripts) as ScriptName[];
    await Promise.all(
      names.map(async (name) => this.#digests.set(name, String(await this.ask(["SCRIPT", "LOAD", scripts[name]])))),
    );
  }

  /** Runs a script. */
  async run(name: ScriptName, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    const digest = this.#digests.get(name) ?? "";
    try {
      return await this.ask(["EVALSHA", digest, String(keys.length), ...keys, ...args]);
    } catch (error) {
      // Somebody flushed the scripts. Sent again, this would come after what was sent meanwhile: refused, and loaded.
      if (error instanceof TailwireError && hasNoScript(error.cause))
        void this.load(this.#scripts as Scripts).catch(() => {});
      throw error;
    }
  }

  /** Sends a command. Its answer is lost with the connection: then nobody knows whether it was done. */
  async ask(args: readonly (string | Buffer)[]): Promise<unknown> {
    this.#underWay += 1;
    try {
      return await this.#client.sendCommand(args as (string | Buffer)[]);
    } catch (error) {
      throw this.#meaning(error);
    } finally {
      this.#answered();
    }
  }

  /** Hands on each message of a Pub/Sub channel; settles when it is subscribed to. */
  async subscribe(channel: string, sharded: boolean, listener: (message: Buffer) => void): Promise<void> {
    this.#underWay += 1;
    try {
      if (sharded) await this.#client.sSubscribe(channel, listener, true);
      else await this.#client.subscribe(channel, listener, true);
    } catch (error) {
      throw this.#meaning(error);
    } finally {
      this.#answered();
    }
  }

  /** Takes that back. */
  unsubscribe(channel: string, sharded: boolean, listener: (message: Buffer) => void): void {
    if (this.#state !== "open") return;
    const done = sharded
      ? this.#client.sUnsubscribe(channel, listener, true)
      : this.#client.unsubscribe(channel, listener, true);
    Promise.resolve(done).catch(() => {}); // the connection is gone, and so is the subscription
  }

  /** Calls the listener when Redis has ended a sharded subscription, since the slot is elsewhere now. */
  onMoved(listener: (name: string) => void): void {
    this.#client.on("sharded-channel-moved", listener);
  }

  /** Ends it once all that was asked has been answered, or at once where nothing is. */
  async close(): Promise<void> {
    if (this.#state !== "open") return this.#end(undefined);
    this.#whenClosed = () => {};
    await this.ask(["QUIT"]).catch(() => {});
    this.#end(undefined);
  }

  #whyLost(error: Error): TailwireError {
    if (this.#state === "opening") return notConnected(this.where, error);
    return unavailable(
      `the connection to Redis is lost (what was under way may have been done): ${error.message}`,
      error,
    );
  }

  #answered(): void {
    this.#underWay -= 1;
    this.#heard = true;
  }

  #meaning(error: unknown): TailwireError {
    if (this.#state !== "open") return this.#lost ?? notConnected(this.where, error);
    const message = error instanceof Error ? error.message : "";
    if (message === "The queue is full") return unavailable("too much is under way to Redis");
    return refused(error);
  }

  #lookLater(): void {
    this.#look = this.#settings.clock.after(this.#settings.timeoutMs / LOOKS, () => this.#lookForAnswers());
  }

  #lookForAnswers(): void {
    if (this.#state !== "open") return;
    this.#silentLooks = this.#heard ? 0 : this.#silentLooks + 1;
    this.#heard = false;
    if (this.#silentLooks >= LOOKS) {
      this.#end(unavailable(`Redis at ${this.where} does not answer`));
      return;
    }
    if (this.#underWay === 0) this.ask(["PING"]).catch(() => {});
    this.#lookLater();
  }

  #end(error: TailwireError | undefined): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#lost = error ?? unavailable("the store is closed");
    this.#look?.();
    this.#client.destroy();
    if (wasOpen && error !== undefined) this.#whenClosed(error);
  }
}
