/** What every endless transport says first. */

import type { Connection } from "../connection.ts";
import type { Answer } from "./answer.ts";

/** Says `$open`, where the transport has bytes for it. */
export function open({ hub, plan, cursor }: Pick<Answer, "hub" | "plan" | "cursor">, connection: Connection): void {
  const frame = connection.encoding.open({
    type: "$open",
    cursor,
    heartbeatMs: hub.settings.heartbeatMs,
    transport: plan.transport,
    time: hub.clock.now(),
  });
  if (frame !== undefined) connection.write(frame);
}
