// Ports on loopback.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Ports that nobody listens on: the system's choice, given back at once.
 * @param {number} count
 */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => /** @type {import("node:net").AddressInfo} */ (server.address()).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/**
 * Until somebody accepts on that port.
 * @param {number} port
 * @param {number} timeoutMs
 */
export async function untilAccepting(port, timeoutMs = 10_000) {
  for (const giveUp = Date.now() + timeoutMs; Date.now() < giveUp; await sleep(20)) {
    if (await accepts(port)) return;
  }
  throw new Error(`nobody listens on port ${port} after ${timeoutMs / 1000} s`);
}

/** @param {number} port */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
