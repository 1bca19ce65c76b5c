/** Networks that break connections off: what load balancers do after a minute, and phones at any time. */

import { Transform } from "node:stream";
import type { Clock } from "../../core/clock.ts";
import type { Ending, Fate, Stage } from "./carry.ts";
import { checkCount, clockOf, type HostileNetwork, type NetworkOptions } from "./network.ts";
import { startTunnel, type TunnelConnection, type TunnelFault } from "./tunnel.ts";

export interface CutOptions extends NetworkOptions {
  /** What the client sees: the end of the connection (`fin`, the default) or a reset. The server sees it close. */
  readonly ending?: Ending;
}

export interface CutAfterMsOptions extends CutOptions {
  /** What the time is counted from: the connection, or its first request (the default). */
  readonly since?: "connection" | "request";
}

/** Cuts each connection after so many milliseconds. */
export function cutAfterMs(ms: number, options: CutAfterMsOptions = {}): HostileNetwork {
  checkCount("ms", ms, 0);
  const { ending = "fin", since = "request" } = options;
  return {
    name: `cuts each connection after ${ms} ms`,
    start: (upstream, start) => startTunnel(upstream, inTime(ms, ending, clockOf(start), since), options),
  };
}

/** Cuts each connection once so many bytes have gone to its client, heads and framing counted. */
export function cutAfterBytes(bytes: number, options: CutOptions = {}): HostileNetwork {
  checkCount("bytes", bytes, 1);
  const { ending = "fin" } = options;
  return {
    name: `cuts each connection after ${bytes} bytes`,
    start: (upstream) => startTunnel(upstream, { stages: () => ({ toClient: first(bytes, ending) }) }, options),
  };
}

export interface BlackHoleOptions extends NetworkOptions {
  /** How long after its first request a connection goes dark. */
  readonly afterMs?: number;
  /** Once how many bytes have gone to its client. */
  readonly afterBytes?: number;
}

/**
 * Lets each connection begin and then nothing through any more, in either direction, while both ends believe that they
 * are connected: a lift, a tunnel, a router that has forgotten. Nothing that is sent into it is taken, so that both
 * sides feel backpressure. With neither `afterMs` nor `afterBytes` it is dark from the first request on.
 */
export function blackHole(options: BlackHoleOptions = {}): HostileNetwork {
  const { afterMs, afterBytes } = options;
  if (afterMs !== undefined) checkCount("afterMs", afterMs, 0);
  if (afterBytes !== undefined) checkCount("afterBytes", afterBytes, 1);
  const name = [afterBytes === undefined ? [] : `${afterBytes} bytes`, afterMs === undefined ? [] : `${afterMs} ms`];
  return {
    name: `goes dark on each connection after ${name.flat().join(" or ") || "its request"}`,
    start(upstream, start) {
      const timed = afterBytes === undefined || afterMs !== undefined;
      const fault: TunnelFault = {
        ...(timed ? inTime(afterMs ?? 0, "dark", clockOf(start), "request") : {}),
        ...(afterBytes === undefined ? {} : { stages: () => ({ toClient: first(afterBytes, "dark") }) }),
      };
      return startTunnel(upstream, fault, options);
    },
  };
}

function inTime(ms: number, fate: Fate, clock: Clock, since: "connection" | "request"): TunnelFault {
  const wind = (connection: TunnelConnection) => {
    if (ms === 0) connection.decide(fate);
    else connection.onClose(clock.after(ms, () => connection.decide(fate)));
  };
  return since === "request" ? { requested: wind } : { begun: wind };
}

/** Passes exactly so many bytes. */
function first(bytes: number, fate: Fate): Stage {
  let left = bytes;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, taken) {
      stream.push(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
      if (left > 0) taken();
      else stream.push(null);
    },
  });
  return {
    stream,
    get fate() {
      return left === 0 ? fate : undefined;
    },
  };
}
