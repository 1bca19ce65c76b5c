/**
 * The Redis servers that have the logs, with two connections to each: one to ask, one that is told of events. Where
 * one is lost, or answers that a log is elsewhere, the topology is asked again.
 */

import type { ChannelName } from "../../core/channel-name.ts";
import type { Cancel, Clock } from "../../core/clock.ts";
import type { TailwireError } from "../../core/errors.ts";
import { Connection, type Scripts } from "./connection.ts";
import { isElsewhere, notConnected, unavailable } from "./failure.ts";
import { Line } from "./line.ts";
import type { Layout, Topology } from "./topology.ts";

export interface Node {
  readonly address: string;
  /** Where it is asked. */
  readonly asking: Line;
  /** Where it tells of events. */
  readonly telling: Line;
}

export interface NodesOwner {
  /** A node can tell of events, again or for the first time. */
  tells(node: Node, connection: Connection): void;
  /** It can no more, for now. */
  toldNoMore(): void;
  /** It has ended the subscription to a Pub/Sub channel of this name. */
  ended(name: string): void;
  /** Some channels are at other nodes than before. */
  moved(): void;
}

export interface NodesSettings {
  readonly scripts: Scripts;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** How soon the topology is asked again after it could not answer, or had nothing new while a node is away. */
const ASK_AGAIN_MS = 500;

export class Nodes {
  readonly #topology: Topology;
  readonly #settings: NodesSettings;
  readonly #owner: NodesOwner;
  readonly #nodes = new Map<string, Node>();
  #layout: Layout | undefined;
  #error: TailwireError = unavailable("it is not known yet where the logs are");
  /** `busy`: the topology is being asked, or was a moment ago. */
  #state: "idle" | "busy" | "closed" = "idle";
  /** Whether it shall be asked again when it is not busy any more. */
  #wanted = false;
  #due: Cancel | undefined;
  /** Settles when the first attempt to find and reach them has an outcome, whichever. */
  readonly started: Promise<void>;

  constructor(topology: Topology, settings: NodesSettings, owner: NodesOwner) {
    this.#topology = topology;
    this.#settings = settings;
    this.#owner = owner;
    this.started = this.#locate().then(() => this.settled());
  }

  get all(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  /** @throws {TailwireError} where it is not known which has the channel */
  of(channel: ChannelName): Node {
    const address = this.#layout?.addressOf(channel);
    const node = address === undefined ? undefined : this.#nodes.get(address);
    if (node !== undefined) return node;
    if (this.#layout === undefined) throw this.#error;
    throw unavailable("no node of the Cluster has this channel now");
  }

  /** Settles when each connection has been opened, or has failed to. */
  async settled(): Promise<void> {
    await Promise.all(this.all.flatMap(({ asking, telling }) => [asking.settled(), telling.settled()]));
  }

  /** @throws {TailwireError} what keeps the store from working now, if anything does */
  async check(): Promise<void> {
    if (this.#layout === undefined) throw this.#error;
    const lines = this.all.flatMap(({ asking, telling }) => [asking, telling]);
    await Promise.all(lines.map(async (line) => line.connection.ask(["PING"])));
  }

  /** Takes note of what a node has answered: where a log is elsewhere, the topology is asked again. */
  failed(error: unknown): void {
    if (isElsewhere(error) || (error instanceof Error && isElsewhere(error.cause))) this.#locateAgain();
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#layout = undefined;
    this.#error = unavailable("the store is closed");
    this.#due?.();
    await Promise.all(this.all.map(closeNode));
  }

  #locateAgain(): void {
    this.#wanted = true;
    if (this.#state === "idle") void this.#locate();
  }

  async #locate(): Promise<void> {
    this.#state = "busy";
    this.#wanted = false;
    try {
      const layout = await this.#topology.locate();
      if (this.#isClosed()) return;
      this.#layOut(layout);
    } catch (error) {
      if (this.#isClosed()) return;
      this.#error = error as TailwireError;
      this.#wanted = true;
    }
    // Nobody who is away is asked all the time.
    this.#due = this.#settings.clock.after(ASK_AGAIN_MS, () => {
      this.#state = "idle";
      if (this.#wanted || this.all.some(isAway)) this.#locateAgain();
    });
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #layOut(layout: Layout): void {
    const before = this.#layout;
    this.#layout = layout;
    for (const [address, node] of this.#nodes) {
      if (layout.addresses.includes(address)) continue;
      this.#nodes.delete(address);
      void closeNode(node);
    }
    for (const address of layout.addresses) {
      if (!this.#nodes.has(address)) this.#nodes.set(address, this.#node(address));
    }
    if (before !== undefined && before !== layout) this.#owner.moved();
  }

  #node(address: string): Node {
    const { clock, scripts } = this.#settings;
    const lost = () => this.#locateAgain();
    const asking = new Line(() => this.#open(address, scripts), { opened: () => {}, lost }, clock);
    const opened = (connection: Connection) => {
      connection.onMoved((name) => this.#owner.ended(name));
      this.#owner.tells(node, connection);
    };
    const toldNoMore = () => {
      this.#owner.toldNoMore();
      lost();
    };
    const telling = new Line(() => this.#open(address), { opened, lost: toldNoMore }, clock);
    const node: Node = { address, asking, telling };
    return node;
  }

  async #open(address: string, scripts?: Scripts): Promise<Connection> {
    const { timeoutMs, clock } = this.#settings;
    const connection = await Connection.open({
      client: this.#topology.optionsFor(address),
      where: address,
      timeoutMs,
      clock,
    });
    try {
      await connection.check({ cluster: this.#topology.sharded });
      if (scripts !== undefined) await connection.load(scripts);
      return connection;
    } catch (error) {
      await connection.close();
      throw notConnected(address, error);
    }
  }
}

function isAway({ asking, telling }: Node): boolean {
  return !asking.isOpen || !telling.isOpen;
}

async function closeNode({ asking, telling }: Node): Promise<void> {
  await Promise.all([asking.close(), telling.close()]);
}
