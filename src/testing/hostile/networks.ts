/** The networks of the suite: each fault that real ones have been seen with, and some that come in pairs. */

import { blackHole, cutAfterBytes, cutAfterMs } from "./cut.ts";
import { delay } from "./delay.ts";
import { gzipBuffering } from "./gzip.ts";
import { holdOneBehind, holdToEnd } from "./hold.ts";
import { type HostileNetwork, inSeries, type ProxiedRequest } from "./network.ts";
import { badGateway, neverAnswer, stripUpgrade } from "./refusal.ts";
import { resetInEvent } from "./reset.ts";
import { transparent } from "./transparent.ts";

/** Leaves nothing but answers that end by themselves. */
const noStreams: HostileNetwork = {
  ...neverAnswer({ only: wantsStream }),
  name: "never answers WebSocket handshakes and requests for streams",
};

function wantsStream({ headers }: ProxiedRequest): boolean {
  return headers.upgrade !== undefined || /event-stream|ndjson/.test(headers.accept ?? "");
}

/** What {@link hostileNetworkSuite} runs through, where it is not told otherwise. */
export const HOSTILE_NETWORKS: readonly HostileNetwork[] = [
  transparent(),
  holdToEnd(),
  inSeries(stripUpgrade({ answer: 400 }), holdToEnd()),
  holdOneBehind(),
  inSeries(stripUpgrade({ answer: 400 }), holdOneBehind()),
  stripUpgrade({ answer: 400 }),
  stripUpgrade({ answer: 200 }),
  stripUpgrade({ answer: "swallow" }),
  cutAfterMs(250),
  cutAfterBytes(8192),
  gzipBuffering(),
  inSeries(stripUpgrade({ answer: 400 }), gzipBuffering()),
  badGateway(1000),
  neverAnswer({ first: 2 }),
  neverAnswer({ forMs: 1000 }),
  noStreams,
  neverAnswer({ first: 2, loses: "answer" }),
  resetInEvent(10),
  delay("to-client", 150),
  delay("to-server", 150),
  blackHole({ afterBytes: 32_768 }),
];
