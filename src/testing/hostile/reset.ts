/** A network that resets connections where it hurts most: in the middle of what is being said. */

import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";
import type { Ending, Stage } from "./carry.ts";
import { type Exchange, passOn } from "./exchange.ts";
import { startGateway } from "./gateway.ts";
import { checkCount, type HostileNetwork, type NetworkOptions } from "./network.ts";
import { frameUnits, type Units, unitsOf } from "./units.ts";

export interface ResetOptions extends NetworkOptions {
  /** What the client sees: a reset (the default), or the end of the connection. */
  readonly ending?: Ending;
}

/**
 * Of all that goes to clients, lets half of every `nth` event through and then resets the connection. An event is one of
 * SSE (comments count), a line of NDJSON, a frame of a WebSocket, or an answer of known length as a whole. Where none of
 * these fits, it is what the server wrote at once.
 */
export function resetInEvent(nth: number, options: ResetOptions = {}): HostileNetwork {
  checkCount("nth", nth, 1);
  const { ending = "reset" } = options;
  return {
    name: `resets in the middle of every ${nth}th event`,
    start(upstream) {
      const turn = { nth, count: 0, ending };
      const answer = (from: IncomingMessage, exchange: Exchange) =>
        passOn(from, exchange, { stage: tearing(unitsOf(from), turn) });
      return startGateway(upstream, { answer, webSocket: () => tearing(frameUnits(), turn) }, options);
    },
  };
}

/** Whose turn it is, over all connections: so also a client that asks anew for each event meets it. */
interface Turn {
  readonly nth: number;
  readonly ending: Ending;
  count: number;
}

function tearing(units: Units, turn: Turn): Stage {
  let torn = false;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, taken) {
      const at = tearAt(chunk, units, turn);
      if (at === undefined) return taken(null, chunk);
      torn = true;
      stream.push(chunk.subarray(0, at));
      stream.push(null);
    },
  });
  return {
    stream,
    get fate() {
      return torn ? turn.ending : undefined;
    },
  };
}

/** Counts the events in a chunk; the middle of what it has of the one whose turn it is. */
function tearAt(chunk: Uint8Array, units: Units, turn: Turn): number | undefined {
  for (let from = 0; from < chunk.length; ) {
    const end = units.end(chunk, from);
    const length = (end ?? chunk.length) - from;
    if (turn.count === turn.nth - 1 && (end !== undefined || length > 1)) {
      turn.count = 0;
      return from + Math.floor(length / 2);
    }
    if (end === undefined) return undefined;
    turn.count += 1;
    from = end;
  }
  return undefined;
}
