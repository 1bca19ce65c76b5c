/** The control: a network that does no harm. */

import type { HostileNetwork } from "./network.ts";
import { startTunnel } from "./tunnel.ts";

/** Passes every byte and every end on as it is. */
export function transparent(): HostileNetwork {
  return { name: "lets everything through", start: (upstream) => startTunnel(upstream, {}, {}) };
}
