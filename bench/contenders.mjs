// Who takes part. One more peer is a file in contenders/ (and in servers/, if it needs one), and a name here.

import { barePoll } from "./contenders/bare-poll.mjs";
import { betterSse } from "./contenders/better-sse.mjs";
import { bun } from "./contenders/bun.mjs";
import { epoll } from "./contenders/epoll.mjs";
import { faye } from "./contenders/faye.mjs";
import { nchan } from "./contenders/nchan.mjs";
import { pushpin } from "./contenders/pushpin.mjs";
import { socketIo } from "./contenders/socket-io.mjs";
import { sockjs } from "./contenders/sockjs.mjs";
import { tailwire } from "./contenders/tailwire.mjs";
import { tailwireWorkers } from "./contenders/tailwire-workers.mjs";
import { ws } from "./contenders/ws.mjs";

/** @type {import("./contenders/contender.mjs").Contender[]} */
export const contenders = [
  ...tailwire,
  ...tailwireWorkers,
  ...nchan,
  ...pushpin,
  ...bun,
  ...ws,
  ...socketIo,
  ...sockjs,
  ...faye,
  ...betterSse,
  ...epoll,
  ...barePoll,
];
