// A channel is a room. Compression and connection state recovery are off, as they are by default.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { acceptPublishes, listen } from "./control.mjs";

const server = createServer();
const io = new Server(server, { serveClient: false });
io.on("connection", (socket) => {
  // No promise: the default adapter joins at once.
  socket.join(String(socket.handshake.query.channel));
  // Its guide to memory: the first request is let go.
  Object.assign(socket.conn, { request: null });
});
acceptPublishes(server, (channel, text) => {
  io.to(channel).emit("message", text);
});
listen(server);
