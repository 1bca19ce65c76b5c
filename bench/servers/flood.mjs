// No server worth the name: it shows how much the load generator can take. The first publish starts a flood of
// pre-made frames to all subscribers; every publish is answered, none is read.
//
// argv: "sse" or "websocket", the number of events, the events a write carries.

import { createServer } from "node:net";
import { makeEvent } from "../load/event.mjs";
import { listen } from "./control.mjs";

const [kind, events, perWrite] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const heads = {
  sse: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
  websocket: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
};
const frames = makeFrames();
/** @type {Set<import("node:net").Socket>} */
const subscribers = new Set();
let flooding = false;

const server = createServer({ noDelay: true }, (socket) => {
  socket.setEncoding("latin1");
  socket.on("error", () => {});
  socket.on("data", (text) => {
    if (String(text).startsWith("GET")) {
      socket.write(kind === "sse" ? heads.sse : heads.websocket);
      subscribers.add(socket);
    } else {
      socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      if (!flooding) flood(0);
      flooding = true;
    }
  });
});
listen(server);

/** @param {number} round */
function flood(round) {
  const frame = frames[round];
  if (frame === undefined) return;
  for (const socket of subscribers) socket.write(frame);
  setImmediate(flood, round + 1);
}

function makeFrames() {
  /** @type {Buffer[]} */
  const made = [];
  for (let first = 0; first < events; first += perWrite) {
    const sequences = Array.from({ length: Math.min(perWrite, events - first) }, (_, n) => first + n);
    made.push(kind === "sse" ? sseFrame(sequences) : websocketFrame(sequences));
  }
  return made;
}

/** @param {number[]} sequences */
function sseFrame(sequences) {
  const body = sequences.map((sequence) => `data: ${makeEvent(sequence)}\nid: x7f3k2:${sequence + 1}\n\n`).join("");
  return Buffer.from(`${body.length.toString(16)}\r\n${body}\r\n`);
}

/** @param {number[]} sequences */
function websocketFrame(sequences) {
  return Buffer.from(sequences.map((sequence) => `\x81\x64${makeEvent(sequence)}`).join(""), "latin1");
}
