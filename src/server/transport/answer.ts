/** What a transport is given to answer a subscribe request with. */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Hub } from "../../core/hub.ts";
import type { Subscription } from "../../core/subscription.ts";
import type { Heartbeat } from "../heartbeat.ts";
import type { Plan } from "../negotiate.ts";

export interface Answer {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly hub: Hub;
  readonly heartbeat: Heartbeat;
  readonly plan: Plan;
  /** Opened, not begun. The transport closes it when its link ends. */
  readonly subscription: Subscription;
  /** The server, where nobody else looks at its requests or waits for this response: then their sockets can be taken out of node:http's hands. */
  readonly server: Server | undefined;
  /** Where the subscription begins. */
  readonly cursor: string;
  /** Whether a client that can take compressed answers gets them. */
  readonly compression: boolean;
  /** The bytes past which a page in a frame ends. */
  readonly maxIframeBytes: number;
}
