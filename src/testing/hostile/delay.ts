/** Networks that are slow to carry: long lines, satellites, queues that are too long. */

import { Duplex } from "node:stream";
import type { Cancel, Clock } from "../../core/clock.ts";
import type { Stage } from "./carry.ts";
import type { Tally } from "./loopback.ts";
import { checkCount, clockOf, type HostileNetwork, type NetworkOptions } from "./network.ts";
import { startTunnel } from "./tunnel.ts";

export interface DelayOptions extends NetworkOptions {
  /** Bytes of one connection that may be under way; whoever sends more waits (1 MiB). */
  readonly maxHeldBytes?: number;
}

/** Lets what goes in one direction, ends included, arrive so many milliseconds later, at full speed. */
export function delay(direction: "to-client" | "to-server", ms: number, options: DelayOptions = {}): HostileNetwork {
  checkCount("ms", ms, 0);
  const { maxHeldBytes = 1024 * 1024 } = options;
  return {
    name: `delays what goes ${direction === "to-client" ? "to the client" : "to the server"} by ${ms} ms`,
    start(upstream, start) {
      const clock = clockOf(start);
      const stages = (tally: Tally) => {
        tally.faults += 1;
        const stage = later(ms, clock, maxHeldBytes);
        return direction === "to-client" ? { toClient: stage } : { toServer: stage };
      };
      return startTunnel(upstream, { stages }, options);
    },
  };
}

function later(ms: number, clock: Clock, maxHeldBytes: number): Stage {
  const held: Buffer[] = [];
  const timers = new Set<Cancel>();
  let heldBytes = 0;
  let arrived = 0; // of those held, how many may go on
  let ended = false;
  let wanted = false;
  let next: (() => void) | undefined; // lets the source go on

  function inTime(run: () => void): void {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      run();
      move();
    });
    timers.add(cancel);
  }

  function move(): void {
    for (; wanted && arrived > 0; arrived -= 1) {
      const chunk = held.shift() as Buffer;
      heldBytes -= chunk.length;
      wanted = stream.push(chunk);
    }
    if (ended && held.length === 0) stream.push(null);
    if (heldBytes > maxHeldBytes) return;
    const go = next;
    next = undefined;
    go?.();
  }

  const stream = new Duplex({
    write(chunk: Buffer, _encoding, taken) {
      held.push(chunk);
      heldBytes += chunk.length;
      next = taken;
      inTime(() => {
        arrived += 1;
      });
      move();
    },
    final(done) {
      inTime(() => {
        ended = true;
      });
      done();
    },
    read() {
      wanted = true;
      move();
    },
    destroy(error, done) {
      for (const cancel of timers) cancel();
      done(error);
    },
  });
  return { stream };
}
