/**
 * Transports side by side, until one has proved itself. The next is started beside one that stays silent, and in
 * place of one that failed; the first to prove itself wins, and the others are ended.
 *
 *   websocket  |-- silent ------------------x
 *   sse              |-- $open -- held -----x
 *   stream                            |-x failed
 *   long-poll                           |-- $open -- $heartbeat: wins
 */

import type { Cancel } from "../core/clock.ts";
import type { ClientClock } from "./backoff.ts";
import type { Transport } from "./link.ts";

/** Silence after which the next transport is started. A quarter of what makes a user wonder. */
const SILENT_MS = 700;
/** The server says a first heartbeat this long after `$open`, as proof that nothing holds it back. */
const PROBE_MS = 200;
/** The same for a URL, in seconds. */
export const PROBE_S = `${PROBE_MS / 1000}`;
/** What that may take more, before the next is started. */
const PROOF_MS = 300;
/** Silence of all after which the race is lost. */
const GIVE_UP_MS = 10_000;
/** The same where all have opened: their lines are there, so they are more likely dead than slow. */
const SILENT_OPEN_MS = 2000;
/** At once, of a browser's six connections to one origin. */
const MAX_RUNNERS = 4;

/** A link in the race. */
export interface Runner {
  stop(): void;
}

export interface Race {
  /** Something has come: it is not silent. */
  heard(runner: Runner): void;
  /** It has said `$open`: it is given time for the proof. */
  opened(runner: Runner): void;
  /** It has ended by itself. */
  failed(runner: Runner): void;
  /** The race is over; all others are ended. */
  end(winner?: Runner): void;
}

export interface RaceOptions {
  readonly transports: readonly Transport[];
  readonly clock: ClientClock;
  /** Must not call back before it has returned. */
  launch(transport: Transport): Runner;
  lost(): void;
}

/** Begins a race. */
export function createRace({ transports, clock, launch, lost }: RaceOptions): Race {
  const queue = [...transports];
  let runners: readonly Runner[] = [];
  let timer: Cancel | undefined;
  const open = new Set<Runner>();

  function next(): void {
    const transport = queue.shift();
    if (transport !== undefined) {
      if (runners.length === MAX_RUNNERS) drop(runners[0] as Runner);
      runners = [...runners, launch(transport)];
    }
    if (transport === undefined) waitForRest();
    else wait(SILENT_MS);
  }

  function wait(ms: number, then = next): void {
    timer?.();
    timer = clock.after(ms, then);
  }

  /** Nothing is left to start. One that has opened is expected to go on soon. */
  function waitForRest(): void {
    wait(runners.every((runner) => open.has(runner)) ? SILENT_OPEN_MS : GIVE_UP_MS, giveUp);
  }

  function drop(runner: Runner): void {
    runners = runners.filter((each) => each !== runner);
    runner.stop();
  }

  function giveUp(): void {
    end();
    lost();
  }

  function end(winner?: Runner): void {
    timer?.();
    queue.length = 0;
    for (const runner of runners) if (runner !== winner) runner.stop();
    runners = [];
  }

  next();
  return {
    heard(runner) {
      if (queue.length > 0 && runner === runners.at(-1)) wait(SILENT_MS);
      else if (queue.length === 0 && runners.includes(runner)) waitForRest();
    },
    opened(runner) {
      open.add(runner);
      if (runner === runners.at(-1)) wait(PROBE_MS + PROOF_MS);
    },
    failed(runner) {
      if (!runners.includes(runner)) return;
      runners = runners.filter((each) => each !== runner);
      if (queue.length > 0) next();
      else if (runners.length === 0) giveUp();
      else waitForRest();
    },
    end,
  };
}
