// Faye with its in-memory engine; the server publishes through its own client, as the documentation has it.

import { createServer } from "node:http";
// @ts-expect-error: it brings no types.
import faye from "faye";
import { acceptPublishes, listen } from "./control.mjs";

const server = createServer();
const bayeux = new faye.NodeAdapter({ mount: "/faye", timeout: 45 });
const client = bayeux.getClient();
acceptPublishes(server, (channel, text) => {
  client.publish(`/${channel}`, text);
});
bayeux.attach(server);
listen(server);
