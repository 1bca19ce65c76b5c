/** Networks that hold answers back: virus scanners, buffering proxies, phones that save their radio. */

import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";
import type { Stage } from "./carry.ts";
import { type Exchange, passOn, passWhole, refuse } from "./exchange.ts";
import { startGateway } from "./gateway.ts";
import { checkCount, type HostileNetwork, type NetworkOptions } from "./network.ts";

export interface HoldOptions extends NetworkOptions {
  /** The longest answer that is held; to the client of a longer one the answer is 502 (8 MiB). */
  readonly maxHeldBytes?: number;
}

/**
 * Holds each answer, its head too, until it has ended, and then passes it on whole. An answer that the server breaks
 * off becomes a 502. WebSockets go through: see {@link stripUpgrade}.
 */
export function holdToEnd(options: HoldOptions = {}): HostileNetwork {
  const { maxHeldBytes = 8 * 1024 * 1024 } = options;
  checkCount("maxHeldBytes", maxHeldBytes, 0);
  return {
    name: "holds each answer back to its end",
    start: (upstream) =>
      startGateway(upstream, { answer: (answer, exchange) => holdAll(answer, exchange, maxHeldBytes) }, options),
  };
}

function holdAll(answer: IncomingMessage, exchange: Exchange, maxHeldBytes: number): void {
  const { tally } = exchange;
  const held: Buffer[] = [];
  let heldBytes = 0;
  tally.faults += 1;
  answer.on("data", (chunk: Buffer) => {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes <= maxHeldBytes) return;
    held.length = 0;
    tally.overflows += 1;
    answer.destroy();
    refuse(exchange, 502, `the answer is longer than the ${maxHeldBytes} bytes that are held here`);
  });
  answer.on("end", () => passWhole(answer, exchange, Buffer.concat(held)));
  answer.on("close", () => refuse(exchange, 502, "the server broke its answer off"));
}

/**
 * Holds what the server wrote last until it writes again on the same answer or WebSocket: everything arrives one
 * behind. An answer that ends is passed on whole. Its head goes with the first bytes of its body; that of a switch to
 * WebSocket goes at once.
 */
export function holdOneBehind(options: NetworkOptions = {}): HostileNetwork {
  return {
    name: "holds the last write back until the next",
    start: (upstream) =>
      startGateway(
        upstream,
        {
          answer(answer, exchange) {
            exchange.tally.faults += 1;
            passOn(answer, exchange, { stage: oneBehind(), head: "with-body" });
          },
          webSocket(tally) {
            tally.faults += 1;
            return oneBehind();
          },
        },
        options,
      ),
  };
}

function oneBehind(): Stage {
  let held: Buffer | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, taken) {
      const before = held;
      held = chunk;
      taken(null, before);
    },
    flush: (done) => done(null, held),
  });
  return { stream };
}
