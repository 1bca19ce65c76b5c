/** Which transport proved itself last, for a day, also over page loads where the browser keeps it. */

import type { ClientClock } from "./backoff.ts";
import type { TransportName } from "./link.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Remembered {
  get(): TransportName | undefined;
  set(name: TransportName): void;
}

/** @param base the server's address: what holds for one says nothing of another */
export function createRemembered(base: string, clock: ClientClock): Remembered {
  const key = `tailwire ${base}`;
  return {
    get() {
      const [name, until] = (storage()?.getItem(key) ?? "").split(" ");
      return Number(until) > clock.now() ? (name as TransportName) : undefined;
    },
    set(name) {
      try {
        storage()?.setItem(key, `${name} ${clock.now() + DAY_MS}`);
      } catch {} // full: then it is not remembered
    },
  };
}

/** Undefined in Node, and where the page may not have it; that it throws then is the standard's way to say so. */
function storage(): Storage | undefined {
  try {
    return typeof document === "object" ? localStorage : undefined;
  } catch {
    return undefined;
  }
}
