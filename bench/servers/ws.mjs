// The plain loop: one send() a client and event.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { acceptPublishes, listen } from "./control.mjs";

const server = createServer();
const sockets = new WebSocketServer({ server });
acceptPublishes(server, (text) => {
  for (const client of sockets.clients) client.send(text);
});
listen(server);
