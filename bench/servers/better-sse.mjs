// Channels and broadcast(), as its guide to channels has it.

import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";
import { acceptPublishes, listen } from "./control.mjs";

/** @type {Map<string, ReturnType<typeof createChannel>>} */
const channels = new Map();

/** @param {string} name */
function channelOf(name) {
  const channel = channels.get(name) ?? createChannel();
  channels.set(name, channel);
  return channel;
}

const server = createServer(async (request, response) => {
  if (request.method === "GET") channelOf(request.url?.slice(1) ?? "").register(await createSession(request, response));
});
acceptPublishes(server, (channel, text) => {
  channels.get(channel)?.broadcast(text);
});
listen(server);
