import { nodeServer } from "./contender.mjs";
import { deflates, longPoll, sse, websocket } from "./protocols.mjs";

const path = (/** @type {string} */ channel) => `/channels/${channel}`;
const publish = (/** @type {string} */ channel) => ({ path: path(channel), headers: { "Content-Type": "text/plain" } });
// What our own client speaks: a flush is one message, of one JSON line an event.
const v1 = ["Sec-WebSocket-Protocol: tailwire.v1"];
const publishJson = (/** @type {string} */ channel) => ({
  path: path(channel),
  headers: { "Content-Type": "application/json" },
});
const from = (/** @type {string} */ cursor) => (/** @type {string} */ channel) => `${path(channel)}?from=${cursor}`;
const benchmarks = ["fanout", "ndjson", "pace", "channels", "latency", "idle", "resume", "slow", "compress", "costs"];

/** @type {import("./contender.mjs").Contender[]} */
export const tailwire = [
  {
    name: "tailwire-sse",
    family: "tailwire",
    benchmarks,
    launch: nodeServer("tailwire.mjs"),
    protocol: sse(path),
    publish,
    resume: { position, request: (channel, cursor) => sse(from(cursor)).request(channel) },
  },
  {
    name: "tailwire-websocket",
    family: "tailwire",
    benchmarks,
    launch: nodeServer("tailwire.mjs"),
    protocol: websocket(path),
    publish,
    resume: { position, request: (channel, cursor) => websocket(from(cursor)).request(channel) },
  },
  {
    name: "tailwire-sse-gzip",
    family: "tailwire",
    benchmarks: ["compress"],
    launch: nodeServer("tailwire.mjs", "compress"),
    protocol: sse(path, { headers: ["Accept-Encoding: gzip"], negotiates: ": gzip" }),
    publish,
  },
  {
    name: "tailwire-websocket-deflate",
    family: "tailwire",
    benchmarks: ["compress"],
    launch: nodeServer("tailwire.mjs", "compress"),
    protocol: websocket(path, deflates),
    publish,
  },
  {
    name: "tailwire-v1",
    family: "tailwire",
    benchmarks: ["compress"],
    launch: nodeServer("tailwire.mjs"),
    protocol: websocket(path, { headers: v1 }),
    publish: publishJson,
  },
  {
    name: "tailwire-v1-deflate",
    family: "tailwire",
    benchmarks: ["compress"],
    launch: nodeServer("tailwire.mjs", "compress"),
    protocol: websocket(path, { ...deflates, headers: [...v1, ...deflates.headers] }),
    publish: publishJson,
  },
  {
    name: "tailwire-long-poll",
    family: "tailwire",
    benchmarks: ["poll"],
    launch: nodeServer("tailwire.mjs"),
    protocol: longPoll("tailwire"),
    publish,
  },
];

/**
 * @param {number} port
 * @param {string} channel
 */
async function position(port, channel) {
  const { headers } = await fetch(`http://127.0.0.1:${port}${path(channel)}`, { method: "HEAD" });
  return headers.get("tailwire-cursor") ?? "";
}
