/** What every endless transport says first. */

import type { Connection } from "../connection.ts";
import type { Answer } from "./answer.ts";

type Opening = Pick<Answer, "hub" | "plan" | "cursor">;

/** Says `$open`, where the transport has bytes for it, and a heartbeat soon after, where the client asked for that. */
export function open({ hub, plan, cursor }: Opening, connection: Connection): void {
  const frame = connection.encoding.open({
    type: "$open",
    cursor,
    heartbeatMs: hub.settings.heartbeatMs,
    transport: plan.transport,
    time: hub.clock.now(),
  });
  if (frame !== undefined) connection.write(frame);
  if (plan.probeMs !== undefined) probe(hub, connection, plan.probeMs);
}

/**
 * Says a heartbeat, so that the client learns whether something holds back what is written until the next write. Until
 * then the connection has an owner around its own: those that are not asked for this have no field for it.
 */
function probe({ clock }: Opening["hub"], connection: Connection, ms: number): void {
  const { owner, encoding } = connection;
  const cancel = clock.after(ms, () => {
    connection.owner = owner;
    connection.write(encoding.heartbeat({ type: "$heartbeat", time: clock.now() }));
  });
  connection.owner = {
    drained: () => owner.drained(),
    close() {
      cancel();
      owner.close();
    },
  };
}
