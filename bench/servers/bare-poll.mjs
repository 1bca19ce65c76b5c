// The floor of long polling in Node: it looks at nothing that it is asked, and answers all who wait with the same bytes.
// The second argument says how: over sockets alone (net) or with node:http (http).

import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { listen } from "./control.mjs";

const HEAD_END = "\r\n\r\n";
let offset = 0;

/**
 * What Tailwire answers with.
 * @param {string} [data] of the event, if there is one
 */
function makeAnswer(data) {
  const cursor = `bareepoc:${offset}`;
  const event = { id: cursor, channel: "bench0", type: "message", time: Date.now(), data };
  const body = Buffer.from(`${JSON.stringify({ cursor, events: data === undefined ? [] : [event] })}\n`);
  const headers = {
    "Cache-Control": "no-store",
    "Tailwire-Cursor": cursor,
    ETag: `"${cursor}"`,
    "Content-Type": "application/json",
    "Content-Length": body.byteLength,
  };
  return { headers, body };
}

/** @param {ReturnType<typeof makeAnswer>} answer */
function bytesOf({ headers, body }) {
  const fields = { ...headers, Date: new Date().toUTCString(), Connection: "keep-alive" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join("")}\r\n`), body]);
}

function netServer() {
  /** @type {import("node:net").Socket[]} */
  let waiting = [];
  /** @param {string} data */
  const publish = (data) => {
    offset++;
    const bytes = bytesOf(makeAnswer(data));
    const sockets = waiting;
    waiting = [];
    for (const socket of sockets) socket.write(bytes);
  };
  return createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (bytes[0] === "P".charCodeAt(0)) {
        socket.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        publish(bytes.toString("latin1").split(HEAD_END)[1] ?? "");
      } else if (bytes.includes("wait=0")) socket.write(bytesOf(makeAnswer()));
      else waiting.push(socket);
    });
  });
}

function httpServer() {
  /** @type {import("node:http").ServerResponse[]} */
  let waiting = [];
  /** @param {string} data */
  const publish = (data) => {
    offset++;
    const { headers, body } = makeAnswer(data);
    const responses = waiting;
    waiting = [];
    for (const response of responses) response.writeHead(200, headers).end(body);
  };
  return createHttpServer((request, response) => {
    if (request.method === "POST") {
      let text = "";
      request.setEncoding("latin1").on("data", (part) => {
        text += part;
      });
      request.on("end", () => {
        publish(text);
        response.writeHead(201).end();
      });
    } else if (request.url?.includes("wait=0")) {
      const { headers, body } = makeAnswer();
      response.writeHead(200, headers).end(body);
    } else waiting.push(response);
  });
}

listen(process.argv[3] === "http" ? httpServer() : netServer());
