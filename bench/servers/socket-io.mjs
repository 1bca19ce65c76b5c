import { createServer } from "node:http";
import { Server } from "socket.io";
import { acceptPublishes, listen } from "./control.mjs";

const server = createServer();
const io = new Server(server, { serveClient: false });
acceptPublishes(server, (text) => {
  io.emit("message", text);
});
listen(server);
