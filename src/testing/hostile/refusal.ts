/** Networks that answer in the server's place, or let nobody answer. */

import type { IncomingMessage } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { type Exchange, passOn, refuse } from "./exchange.ts";
import { type GatewayFault, startGateway } from "./gateway.ts";
import { checkCount, clockOf, type HostileNetwork, type NetworkOptions } from "./network.ts";

export interface StripUpgradeOptions extends NetworkOptions {
  /**
   * What becomes of a request to switch to WebSocket. 400: that is the answer. 200: it goes on without `Upgrade`, and
   * the server's ordinary answer comes back, which is 200 where it has one for such a request. `swallow`: it is taken
   * and never answered.
   */
  readonly answer: 400 | 200 | "swallow";
}

const STRIPPED = {
  400: "answers WebSocket handshakes with 400",
  200: "strips Upgrade, so that WebSocket handshakes have an ordinary answer",
  swallow: "never answers WebSocket handshakes",
} as const;

/** Knows no WebSocket. Everything else goes through. */
export function stripUpgrade({ answer, ...options }: StripUpgradeOptions): HostileNetwork {
  const take = (exchange: Exchange) => {
    if (exchange.request.headers.upgrade === undefined) return false;
    exchange.tally.faults += 1;
    if (answer === 400) refuse(exchange, 400, PAGES[400], "text/html");
    return true;
  };
  const fault: GatewayFault = answer === 200 ? { stripsUpgrade: true } : { take };
  return { name: STRIPPED[answer], start: (upstream) => startGateway(upstream, fault, options) };
}

/** Answers with 502 and a page for people, for so long from the first request that is meant; then all go through. */
export function badGateway(forMs: number, options: NetworkOptions = {}): HostileNetwork {
  checkCount("forMs", forMs, 0);
  return {
    name: `answers 502 for ${forMs} ms`,
    start(upstream, start) {
      const lasts = spell(forMs, clockOf(start));
      const take = (exchange: Exchange) => {
        if (!lasts()) return false;
        exchange.tally.faults += 1;
        refuse(exchange, 502, PAGES[502], "text/html");
        return true;
      };
      return startGateway(upstream, { take }, options);
    },
  };
}

export interface NeverAnswerOptions extends NetworkOptions {
  /** For how long, from the first request that is meant; without end where it is left out. */
  readonly forMs?: number;
  /** How many requests, of those that are meant; all where it is left out. */
  readonly first?: number;
  /**
   * What is lost: the `request`, which the server never sees (the default), or the `answer`, which the server takes for
   * delivered. A WebSocket handshake is lost before the server sees it in either case.
   */
  readonly loses?: "request" | "answer";
}

/** Accepts requests and never answers them. Those that are not meant, or come later, go through. */
export function neverAnswer(options: NeverAnswerOptions = {}): HostileNetwork {
  const { forMs, first = Number.POSITIVE_INFINITY, loses = "request" } = options;
  if (forMs !== undefined) checkCount("forMs", forMs, 0);
  if (options.first !== undefined) checkCount("first", first, 0);
  return {
    name: neverAnswerName(options),
    start(upstream, start) {
      const lasts = forMs === undefined ? () => true : spell(forMs, clockOf(start));
      const lost = new WeakSet<Exchange>();
      let count = 0;
      const take = (exchange: Exchange) => {
        if (count >= first || !lasts()) return false;
        count += 1;
        exchange.tally.faults += 1;
        lost.add(exchange);
        return loses === "request" || exchange.request.headers.upgrade !== undefined;
      };
      const answer = (from: IncomingMessage, exchange: Exchange) => {
        if (lost.has(exchange)) from.resume();
        else passOn(from, exchange);
      };
      return startGateway(upstream, { take, answer }, options);
    },
  };
}

function neverAnswerName({ forMs, first, loses, only }: NeverAnswerOptions): string {
  const which = first === undefined ? "" : ` the first ${first}`;
  const some = only === undefined ? "" : " some";
  const how = loses === "answer" ? "loses the answers to" : "never answers";
  return `${how}${which}${some} requests${forMs === undefined ? "" : ` for ${forMs} ms`}`;
}

/** Tells whether it still lasts; it begins when that is asked first. */
function spell(forMs: number, clock: Clock): () => boolean {
  let end: number | undefined;
  return () => {
    end ??= clock.now() + forMs;
    return clock.now() < end;
  };
}

function page(title: string): string {
  return `<!DOCTYPE html>\n<html><head><title>${title}</title></head>\n<body><center><h1>${title}</h1></center><hr></body></html>\n`;
}

const PAGES = { 400: page("400 Bad Request"), 502: page("502 Bad Gateway") } as const;
