/**
 * The socket of a connection, taken out of node:http's hands and given back. What node:http keeps for a connection (the
 * parser, the request, the response, ten bound listeners) is 6 KB, and a request and its answer are 25 to 30 µs of CPU.
 *
 * node:http has no public way to let go but an upgrade, so its own listeners are looked for by name on the socket (Node 20
 * to 26 have the same ones). Where all are there, the one for `close` is called, which frees the parser, and all are taken
 * off; where one is missing, the connection stays with node:http.
 */

import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { countNoMore } from "./request-count.ts";
import { forgetLine } from "./turns.ts";

/** What node:http listens to, and the names of its listeners. */
const LISTENERS = [
  ["close", "bound socketOnClose"],
  ["data", "bound socketOnData"],
  ["end", "bound socketOnEnd"],
  ["drain", "bound socketOnDrain"],
  ["error", "socketOnError"],
  ["timeout", "socketOnTimeout"],
  ["resume", "onSocketResume"],
  ["pause", "onSocketPause"],
] as const;
/** How long an idle connection that node:http does not know lives on when the hub closes, in milliseconds. */
export const CLOSING_MS = 100;

type Listener = (this: Socket) => void;

/**
 * Takes the socket, between two requests or when its response has been detached; false, where it stays as it is. Its
 * errors are ignored from here on (its `close` follows), and its end is answered with an end.
 */
export function takeFromHttp(socket: Socket): boolean {
  const listeners = LISTENERS.map(([event, name]) => socket.listeners(event).find((each) => each.name === name));
  if (listeners.includes(undefined)) return false;
  (listeners[0] as Listener).call(socket);
  for (const [index, [event]] of LISTENERS.entries()) socket.off(event, listeners[index] as Listener);
  forgetLine(socket);
  socket.on("error", ignore);
  socket.on("end", hangUp);
  return true;
}

/**
 * Hands a socket to the server as a new connection, on which these bytes come first. That a stream can be handed in by a
 * `connection` event is documented (node:http, Event 'connection').
 */
export function giveToHttp(server: EventEmitter, socket: Socket, bytes: Buffer): void {
  countNoMore(socket);
  socket.off("error", ignore);
  socket.off("end", hangUp);
  socket.unshift(bytes);
  server.emit("encrypted" in socket ? "secureConnection" : "connection", socket);
}

// One each for all sockets, and not a closure of each.
function ignore(): void {}

function hangUp(this: Socket): void {
  this.end();
}
