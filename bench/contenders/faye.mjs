import { nodeServer } from "./contender.mjs";
import { clientFrame, websocket } from "./protocols.mjs";

const ID_BYTES = 31;
const ID = "x".repeat(ID_BYTES);
const { request } = websocket(() => "/faye");

// Bayeux by WebSocket: a handshake gives the client its id; with that it subscribes, and connects so that the server
// sends to this socket. The first connect is answered at once; Faye's client leaves a second one open, which changes
// nothing for as long as a run lasts. Here the channel is not in the request but in what follows it.
const subscriptions = [
  { channel: "/meta/subscribe", clientId: ID, subscription: "/bench0" },
  { channel: "/meta/connect", clientId: ID, connectionType: "websocket", advice: { timeout: 0 } },
];
const handshake = [{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["websocket"] }];

/** @type {import("./contender.mjs").Contender[]} */
export const faye = [
  {
    name: "faye",
    family: "faye",
    benchmarks: ["fanout", "idle"],
    launch: nodeServer("faye.mjs"),
    protocol: {
      request,
      steps: [
        { after: "\r\n\r\n", send: clientFrame(JSON.stringify(handshake)) },
        {
          after: '"clientId":"',
          capture: ID_BYTES,
          send: clientFrame(JSON.stringify(subscriptions)).replaceAll(ID, "{captured}"),
        },
      ],
      ready: '"/meta/connect","successful":true',
    },
    publish: (channel) => ({ path: `/publish/${channel}` }),
  },
];
