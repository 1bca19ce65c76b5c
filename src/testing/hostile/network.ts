/** A network between a client and a server that does what real ones do: a proxy on loopback with one fault. */

import type { IncomingHttpHeaders } from "node:http";
import { type Clock, systemClock } from "../../core/clock.ts";
import { TailwireError } from "../../core/errors.ts";

/** A kind of network; {@link HostileNetwork.start} puts one before a server. */
export interface HostileNetwork {
  /** What it does, as the end of "a network that …". */
  readonly name: string;
  /**
   * Listens on a port of its own of 127.0.0.1.
   * @param upstream the server's URL, `http:`
   * @throws {TailwireError} `misuse` for another URL
   */
  start(upstream: string, options?: StartOptions): Promise<HostileProxy>;
}

export interface StartOptions {
  /** What its durations are counted on; the real time where it is left out. */
  readonly clock?: Clock;
}

/** A running proxy. */
export interface HostileProxy {
  /** The server's URL, by way of this proxy. */
  readonly url: string;
  /** What has gone through it, up to now. */
  readonly counts: ProxyCounts;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

export interface ProxyCounts {
  /** Accepted from clients. */
  readonly connections: number;
  /** Request heads read. A proxy that works on bytes reads the first one of each connection. */
  readonly requests: number;
  /** How many requests, answers or connections it did to what it is for. */
  readonly faults: number;
  /** How many connections it broke off. */
  readonly cuts: number;
  /** How many answers were longer than what it may hold, and became a 502. */
  readonly overflows: number;
  /** Read from clients. */
  readonly bytesToServer: number;
  /** Written to clients. */
  readonly bytesToClient: number;
}

/** A request as a proxy sees it before it goes on. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** By lower-case name. */
  readonly headers: IncomingHttpHeaders;
}

/** What every kind of network can be told. */
export interface NetworkOptions {
  /**
   * Which requests are meant; all where it is left out. The others go through as they are. Where the fault is one of
   * connections (delays, cuts, black holes), a connection is judged by its first request.
   */
  readonly only?: (request: ProxiedRequest) => boolean;
}

/** Networks one behind the other; the first is the client's. Faults and cuts are counted together. */
export function inSeries(...networks: readonly HostileNetwork[]): HostileNetwork {
  if (networks.length === 0) throw new TailwireError("misuse", "a series has at least one network");
  return {
    name: networks.map(({ name }) => name).join(", and "),
    async start(upstream, options) {
      const proxies: HostileProxy[] = [];
      try {
        for (const network of networks.toReversed()) {
          proxies.unshift(await network.start(proxies[0]?.url ?? upstream, options));
        }
      } catch (error) {
        await closeAll(proxies);
        throw error;
      }
      return series(proxies);
    },
  };
}

function series(proxies: readonly HostileProxy[]): HostileProxy {
  const [first] = proxies as [HostileProxy];
  const sum = (of: (counts: ProxyCounts) => number) => proxies.reduce((total, { counts }) => total + of(counts), 0);
  return {
    url: first.url,
    get counts() {
      return {
        ...first.counts,
        faults: sum(({ faults }) => faults),
        cuts: sum(({ cuts }) => cuts),
        overflows: sum(({ overflows }) => overflows),
      };
    },
    close: () => closeAll(proxies),
  };
}

async function closeAll(proxies: readonly HostileProxy[]): Promise<void> {
  await Promise.all(proxies.map((proxy) => proxy.close()));
}

/** Where a proxy passes requests on to. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
  /** What follows the port in the URL. */
  readonly path: string;
}

/** @throws {TailwireError} `misuse` */
export function parseUpstream(url: string): Upstream {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:") throw new TailwireError("misuse", `a proxy goes before an http: URL, not "${url}"`);
  const { hostname, port, pathname, search } = parsed;
  // An IPv6 address stands in brackets in a URL, and without them elsewhere.
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  // "http://host" and "http://host/" are not the same to those who put a path behind it.
  const path = pathname === "/" && !url.endsWith("/") ? "" : pathname + search;
  return { host, port: port === "" ? 80 : Number(port), path };
}

export function clockOf({ clock = systemClock }: StartOptions = {}): Clock {
  return clock;
}

/** @throws {TailwireError} `misuse` */
export function checkCount(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new TailwireError("misuse", `${name} is a whole number of at least ${least}, not ${value}`);
}
