// Socket.IO (protocol 5 on Engine.IO 4), by WebSocket from the start. Packets are text frames:
// server "0{…}" (open), client "40" (connect to "/"), server "40{…}"; then server "42[name,data]" (an event);
// server "2" (ping), client "3" (pong).

import { clientFrame, decodeFrames, websocket } from "./websocket.mjs";

const OPCODE_TEXT = 1;
const HASH = 35;
const [OPEN, PING, MESSAGE] = [48, 50, 52];
const [CONNECT, EVENT] = [48, 50];
const connect = clientFrame(OPCODE_TEXT, Buffer.from("40"));
const pong = clientFrame(OPCODE_TEXT, Buffer.from("3"));

/** @type {import("./index.mjs").Protocol} */
export const socketIo = {
  request: websocket.request,
  status: 101,
  readyOnHead: false,
  // Each connection has pings of its own in between.
  shared: false,
  decode: (bytes, from, to, sink) => decodeFrames(bytes, from, to, sink, onPacket),
};

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} end
 * @param {import("./index.mjs").Sink} sink
 */
function onPacket(bytes, start, end, sink) {
  const type = bytes[start];
  if (type === MESSAGE && bytes[start + 1] === EVENT) {
    const data = bytes.indexOf(HASH, start);
    if (data > 0 && data < end) sink.event(bytes, data, end - '"]'.length);
  } else if (type === MESSAGE && bytes[start + 1] === CONNECT) sink.ready();
  else if (type === OPEN) sink.send(connect);
  else if (type === PING) sink.send(pong);
}
