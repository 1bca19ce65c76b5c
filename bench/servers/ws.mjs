// The plain loop: one send() a client and event. permessage-deflate is off unless the second argument is "deflate".

import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { acceptPublishes, listen } from "./control.mjs";

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: process.argv[3] === "deflate" });
/** @type {Map<string, Set<import("ws").WebSocket>>} */
const channels = new Map();

sockets.on("connection", (socket, request) => {
  const channel = request.url?.slice(1) ?? "";
  const members = channels.get(channel) ?? new Set();
  channels.set(channel, members);
  members.add(socket);
  socket.on("close", () => members.delete(socket));
});
acceptPublishes(server, (channel, text) => {
  for (const client of channels.get(channel) ?? []) client.send(text);
});
listen(server);
