/** What a Redis store is told, and what is made of it. */

import { type Clock, systemClock } from "../../core/clock.ts";
import { TailwireError } from "../../core/errors.ts";
import { checkRetention, DEFAULT_RETENTION, type Retention } from "../../core/log.ts";
import type { ClientOptions } from "./connection.ts";
import { misuse } from "./failure.ts";
import { checkPrefix, Keys } from "./keys.ts";
import type { RedisStoreSettings } from "./redis-store.ts";
import { writeScripts } from "./scripts.ts";
import {
  behindSentinels,
  type ClusterOptions,
  cluster,
  nameOf,
  type SentinelOptions,
  standalone,
  type Topology,
} from "./topology.ts";

/** One of `url`, `client`, `sentinel` and `cluster` says where Redis is; all else has a default. */
export interface RedisStoreOptions {
  /** `redis[s]://[[user]:password@]host[:port][/database]`. */
  readonly url?: string;
  /** What node-redis' `createClient` takes, for TLS, a socket's path and the like. */
  readonly client?: ClientOptions;
  /** What node-redis' `createSentinel` takes: the name of the master, and where Sentinels are. */
  readonly sentinel?: SentinelOptions;
  /** What node-redis' `createCluster` takes: where some nodes are, and what is the same for all. */
  readonly cluster?: ClusterOptions;
  /** What all names in Redis begin with (`tailwire:`). */
  readonly prefix?: string;
  /** What each channel keeps; what is left out is 1,000 events, 1 MiB, one hour. */
  readonly retention?: Partial<Retention>;
  /** How long a channel's position outlives its events, in milliseconds (a day). After that its next event begins a new epoch. */
  readonly restMs?: number;
  /** Silence of Redis, in milliseconds, after which it counts as away (2,000). */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

const DEFAULTS = { prefix: "tailwire:", restMs: 86_400_000, timeoutMs: 2000 };
/** How long the position of a channel that never had an event is kept, in milliseconds; those who follow keep it longer. */
const EMPTY_MS = 3_600_000;
const IDEMPOTENCY_MS = 600_000;

/**
 * @param now the time as the scripts have it, in Lua; for tests
 * @throws {TailwireError} `misuse`
 */
export function settingsOf(options: RedisStoreOptions, now?: string): RedisStoreSettings {
  const { prefix, restMs, timeoutMs } = { ...DEFAULTS, ...withoutUndefined(options) };
  const clock = options.clock ?? systemClock;
  checkNumber("restMs", restMs, 0);
  checkNumber("timeoutMs", timeoutMs, 1);
  const topology = topologyOf(options, { timeoutMs, clock });
  const keys = new Keys(checkPrefix(prefix), topology.database);
  const scripts = writeScripts({
    retention: checkRetention({ ...DEFAULT_RETENTION, ...options.retention }),
    restMs,
    emptyMs: EMPTY_MS,
    idempotencyMs: IDEMPOTENCY_MS,
    publish: topology.sharded ? "SPUBLISH" : "PUBLISH",
    live: keys.liveEnding,
    ...(now === undefined ? {} : { now }),
  });
  return { topology, keys, scripts, timeoutMs, clock };
}

function topologyOf(options: RedisStoreOptions, settings: { timeoutMs: number; clock: Clock }): Topology {
  const ways = (["url", "client", "sentinel", "cluster"] as const).filter((way) => options[way] !== undefined);
  if (ways.length !== 1) {
    const given = ways.length === 0 ? "none is given" : `${ways.join(" and ")} are given`;
    throw misuse(`one of url, client, sentinel and cluster says where Redis is; ${given}`);
  }
  if (options.sentinel !== undefined) return behindSentinels(options.sentinel, settings);
  if (options.cluster !== undefined) return cluster(options.cluster, settings);
  const client = options.client ?? { url: options.url as string };
  const inUrl = client.url === undefined ? undefined : checkUrl(client.url);
  return standalone(client, nameOf(client), inUrl ?? client.database ?? 0);
}

/** @returns {} the database that it names */
function checkUrl(text: string): number | undefined {
  const advice = "a Redis URL is redis://[[user]:password@]host[:port][/database], or rediss:// for TLS";
  if (!URL.canParse(text)) throw misuse(`this URL makes no sense (${advice})`);
  const { protocol, hostname, pathname } = new URL(text);
  if (protocol !== "redis:" && protocol !== "rediss:") throw misuse(`the URL begins with ${protocol}// (${advice})`);
  if (hostname === "") throw misuse(`the URL names no host (${advice})`);
  if (!/^\/?\d*$/.test(pathname))
    throw misuse(`the URL's path is the number of a database, not ${pathname} (${advice})`);
  return pathname.length > 1 ? Number(pathname.slice(1)) : undefined;
}

function checkNumber(parameter: string, value: unknown, least: number): void {
  if (typeof value === "number" && value >= least) return;
  throw new TailwireError("misuse", `${parameter} is a number of at least ${least}, not ${value}`, { parameter });
}

function withoutUndefined(options: RedisStoreOptions): RedisStoreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
