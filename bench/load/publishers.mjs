// A child process: keep-alive HTTP publishers on raw sockets, each with one request at a time.
//
// parent → child   {connect: {port, path, count}}    child → parent   {connected: count}
//                  {publish: {events}}                                {published: {from, to}}
// and {failed: reason}. `from` and `to` are the first request's start and the last answer's arrival, in milliseconds of
// the system's monotonic clock.

import { connect } from "node:net";
import { EVENT_BYTES, makeEvent } from "./event.mjs";

/** @typedef {{send(bytes: string): void, onAnswer: () => void}} Publisher */

/** @type {Publisher[]} */
const publishers = [];
let head = "";

process.on("message", (/** @type {any} */ message) => {
  if (message.connect) connectAll(message.connect);
  else if (message.publish) publish(message.publish.events);
});
process.on("disconnect", () => process.exit());

/** @param {{port: number, path: string, count: number}} target */
function connectAll({ port, path, count }) {
  head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: text/plain\r\nContent-Length: ${EVENT_BYTES}\r\n\r\n`;
  let open = 0;
  for (let n = 0; n < count; n++) {
    publishers.push(
      openOne(port, () => {
        open++;
        if (open === count) process.send?.({ connected: count });
      }),
    );
  }
}

/**
 * @param {number} port
 * @param {() => void} onOpen
 */
function openOne(port, onOpen) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  /** @type {Publisher} */
  const publisher = { send: (bytes) => socket.write(bytes, "latin1"), onAnswer: () => {} };
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("connect", onOpen);
  socket.on("data", (text) => {
    answer += text;
    if (!isComplete(answer)) return;
    const status = answer.slice(0, answer.indexOf("\r\n"));
    answer = "";
    if (/^HTTP\/1\.1 2/.test(status)) publisher.onAnswer();
    else process.send?.({ failed: `a publish was answered ${status}` });
  });
  socket.on("error", (error) => process.send?.({ failed: `a publisher's socket: ${error.message}` }));
  socket.on("close", () => process.send?.({ failed: "the server closed a publisher's connection" }));
  return publisher;
}

/** @param {string} answer */
function isComplete(answer) {
  const headEnd = answer.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const fields = answer.slice(0, headEnd + 2);
  if (/\r\ntransfer-encoding: *chunked\r\n/i.test(fields)) return answer.endsWith("\r\n0\r\n\r\n");
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(fields);
  return answer.length >= headEnd + 4 + Number(length?.[1] ?? 0);
}

/** @param {number} events */
function publish(events) {
  const from = now();
  let answered = 0;
  for (const [index, publisher] of publishers.entries()) {
    let sequence = index;
    const next = () => {
      if (sequence < events) publisher.send(head + makeEvent(sequence));
      sequence += publishers.length;
    };
    publisher.onAnswer = () => {
      answered++;
      if (answered === events) process.send?.({ published: { from, to: now() } });
      next();
    };
    next();
  }
}

function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}
