/** Where the logs are: at one Redis, at the one that Sentinels call the master, or spread over the masters of a Cluster. */

import type { RedisClusterOptions, RedisSentinelOptions } from "redis";
import type { ChannelName } from "../../core/channel-name.ts";
import type { Clock } from "../../core/clock.ts";
import { type ClientOptions, Connection } from "./connection.ts";
import { notConnected, unavailable } from "./failure.ts";
import { slotOf } from "./keys.ts";

export type SentinelOptions = Pick<
  RedisSentinelOptions,
  "name" | "sentinelRootNodes" | "nodeClientOptions" | "sentinelClientOptions" | "nodeAddressMap"
>;
export type ClusterOptions = Pick<RedisClusterOptions, "rootNodes" | "defaults" | "nodeAddressMap">;

/** Which of them has what, at one moment. */
export interface Layout {
  /** Each as host and port. */
  readonly addresses: readonly string[];
  addressOf(channel: ChannelName): string | undefined;
}

export interface Topology {
  /** Whether the logs are spread over a Cluster: then notifications are too. */
  readonly sharded: boolean;
  readonly database: number;
  /**
   * Asks where the logs are.
   * @throws {TailwireError} `store_unavailable`, or `misuse` where no waiting helps
   */
  locate(): Promise<Layout>;
  /** How to connect to one of them. */
  optionsFor(address: string): ClientOptions;
}

export interface AskSettings {
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export function standalone(client: ClientOptions, where: string, database: number): Topology {
  const layout: Layout = { addresses: [where], addressOf: () => where };
  return { sharded: false, database, locate: async () => layout, optionsFor: () => client };
}

export function behindSentinels(options: SentinelOptions, settings: AskSettings): Topology {
  const { name, sentinelRootNodes, nodeClientOptions = {}, sentinelClientOptions = {} } = options;
  const sentinels = sentinelRootNodes.map((node) => withAddress(sentinelClientOptions, node.host, node.port));
  return {
    sharded: false,
    database: nodeClientOptions.database ?? 0,
    async locate() {
      const { answer: found } = await askAny(sentinels, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], settings);
      if (!Array.isArray(found)) throw unavailable(`the Sentinels know no master named ${name}`);
      const where = mapped(`${found[0]}:${found[1]}`, options.nodeAddressMap);
      return { addresses: [where], addressOf: () => where };
    },
    optionsFor: (address) => withAddress(nodeClientOptions, ...split(address)),
  };
}

export function cluster({ rootNodes, defaults = {}, nodeAddressMap }: ClusterOptions, settings: AskSettings): Topology {
  const roots = rootNodes.map((node) => ({ ...defaults, ...node }));
  let known: readonly string[] = [];
  const optionsFor = (address: string) => withAddress(defaults, ...split(address));
  return {
    sharded: true,
    database: 0,
    async locate() {
      const { answer, host } = await askAny([...known.map(optionsFor), ...roots], ["CLUSTER", "SLOTS"], settings);
      // A node that does not know how it is called from outside leaves its host empty: as it was called just now.
      const addressOf = (own: unknown, port: number) =>
        mapped(`${own == null || own === "" ? host : own}:${port}`, nodeAddressMap);
      const layout = layoutOf(answer as readonly SlotRange[], addressOf);
      known = layout.addresses;
      return layout;
    },
    optionsFor,
  };
}

/** A part of the answer to `CLUSTER SLOTS`. */
type SlotRange = readonly [first: number, last: number, master: readonly [host: unknown, port: number, ...unknown[]]];

function layoutOf(ranges: readonly SlotRange[], addressAt: (host: unknown, port: number) => string): Layout {
  const slots = new Array<string | undefined>(16_384);
  const addresses = new Set<string>();
  for (const [first, last, [host, port]] of ranges) {
    const address = addressAt(host, port);
    addresses.add(address);
    slots.fill(address, first, last + 1);
  }
  if (addresses.size === 0) throw unavailable("the Cluster has no node that serves slots");
  return { addresses: [...addresses], addressOf: (channel) => slots[slotOf(channel)] };
}

/** The first answer that one of them gives, and its host. */
async function askAny(
  nodes: readonly ClientOptions[],
  args: readonly string[],
  settings: AskSettings,
): Promise<{ readonly answer: unknown; readonly host: string }> {
  let error = unavailable("there is nobody to ask where the logs are");
  for (const client of nodes) {
    try {
      const connection = await Connection.open({ client, where: nameOf(client), ...settings });
      try {
        return { answer: await connection.ask(args), host: split(nameOf(client))[0] };
      } finally {
        await connection.close();
      }
    } catch (failure) {
      error = notConnected(nameOf(client), failure);
      if (error.code === "misuse") throw error;
    }
  }
  throw error;
}

function mapped(address: string, map: ClusterOptions["nodeAddressMap"]): string {
  const other = typeof map === "function" ? map(address) : map?.[address];
  return other === undefined ? address : `${other.host}:${other.port}`;
}

function withAddress(options: ClientOptions, host: string, port: number): ClientOptions {
  return { ...options, socket: { ...options.socket, host, port } as NonNullable<ClientOptions["socket"]> };
}

/** IPv6 addresses have colons too. */
function split(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}

/** A client's address, for errors: never its password. */
export function nameOf({ url, socket }: ClientOptions): string {
  if (url !== undefined && URL.canParse(url)) {
    const { hostname, port } = new URL(url);
    return `${hostname}:${port === "" ? 6379 : port}`;
  }
  const { host = "localhost", port = 6379, path } = (socket ?? {}) as { host?: string; port?: number; path?: string };
  return path ?? `${host}:${port}`;
}
