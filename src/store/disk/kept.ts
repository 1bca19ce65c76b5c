/**
 * What of a channel is within its retention. Events are deleted a little later, and in the background; but as each
 * holds its time and the bytes of the log up to it, the oldest that is kept can be found without reading them all.
 */

import type { Retention } from "../../core/log.ts";
import type { ChannelRecord, EventHead } from "./values.ts";

/**
 * The offset before the oldest event that is kept. The same as `Log.trim` of core would come to: the newest event is
 * kept whatever its size, until it is too old.
 * @param head reads what is known of the event with an offset, which is one that is there
 */
export function keptAfter(
  record: ChannelRecord,
  { maxEvents, maxBytes, maxAgeMs }: Retention,
  now: number,
  head: (offset: number) => EventHead,
): number {
  const { newest, newestBytes, trimmed, trimmedBytes } = record;
  let kept = Math.max(trimmed, newest - Math.floor(maxEvents));
  const bytesTo = (offset: number) => (offset === trimmed ? trimmedBytes : head(offset).bytes);
  if (kept < newest && newestBytes - trimmedBytes > maxBytes) {
    kept = lowest(kept, newest - 1, (offset) => newestBytes - bytesTo(offset) <= maxBytes);
  }
  if (kept < newest && now - head(kept + 1).time > maxAgeMs) {
    kept = lowest(kept + 1, newest, (offset) => now - head(offset + 1).time <= maxAgeMs);
  }
  return kept;
}

/** How long an event is there at least, in milliseconds, so that followers in other processes can be told of it. */
const FRESH_MS = 1000;

/**
 * How far a channel's events may be deleted: to `kept`, or to the first fresh one before it. Where the clock was set
 * back, none counts as fresh.
 */
export function deletableTo(
  { trimmed, newestTime }: ChannelRecord,
  kept: number,
  now: number,
  head: (offset: number) => EventHead,
): number {
  if (now - newestTime > FRESH_MS || newestTime > now) return kept;
  return lowest(trimmed, kept, (offset) => now - head(offset + 1).time <= FRESH_MS);
}

/** The lowest of from … to for which it holds, `to` where it does for none before; from some place on it always holds. */
function lowest(from: number, to: number, holds: (offset: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
