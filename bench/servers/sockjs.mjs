// SockJS has no broadcast of its own: one write() a connection and event. The channel is in the prefix: /sockjs/{channel}.

import { createServer } from "node:http";
import sockjs from "sockjs";
import { acceptPublishes, listen } from "./control.mjs";

const server = createServer();
// By default it logs every request.
const sockets = sockjs.createServer({ prefix: "/sockjs/[^/]+", log: () => {} });
/** @type {Map<string, Set<import("sockjs").Connection>>} */
const channels = new Map();

sockets.on("connection", (connection) => {
  const channel = connection.url.split("/")[2] ?? "";
  const members = channels.get(channel) ?? new Set();
  channels.set(channel, members);
  members.add(connection);
  connection.on("close", () => members.delete(connection));
});
acceptPublishes(server, (channel, text) => {
  for (const connection of channels.get(channel) ?? []) connection.write(text);
});
sockets.installHandlers(server);
listen(server);
