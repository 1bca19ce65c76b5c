/** One batch, sent until the server has taken it. */

import { backoffMs } from "./backoff.ts";
import { Failure } from "./failure.ts";
import type { Batch } from "./line-queue.ts";
import type { Trouble } from "./server-answer.ts";

export interface DeliverOptions {
  /** One attempt; undefined where the server has taken the batch. */
  post(batch: Batch): Promise<Trouble | undefined>;
  /** @throws where there is no time to wait any more */
  wait(ms: number): Promise<void>;
  tell(text: string): void;
}

/**
 * Sends a batch, again after every trouble that may pass. The idempotency key keeps what arrived before from being
 * published twice.
 * @throws {Failure} where the server refuses it; and what `wait` throws
 */
export async function deliver(batch: Batch, { post, wait, tell }: DeliverOptions): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const trouble = await post(batch);
    if (trouble === undefined) {
      if (attempt > 0) tell("publishing again");
      return;
    }
    if (!trouble.passing) throw new Failure(refusal(batch, trouble));
    const delayMs = backoffMs(attempt);
    tell(`not published yet: ${trouble.why}; trying again in ${(delayMs / 1000).toFixed(1)} s`);
    await wait(delayMs);
  }
}

/** The server counts lines from the batch's first. */
function refusal({ firstLine }: Batch, { why, line }: Trouble): string {
  if (line === undefined) return `not published: ${why}`;
  const number = firstLine + line - 1;
  return `line ${number} is not published: ${why.replace(/^(the line|line \d+) /, "it ")}`;
}
