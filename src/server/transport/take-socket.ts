/**
 * Takes the socket of an endless answer out of node:http's hands. What node:http keeps for a connection (the parser, the
 * request, the response, ten bound listeners) is 6 KB, and an answer whose head is out, and whose frames have their
 * chunk framing on them, needs none of it.
 *
 * node:http has no public way to let go but an upgrade, so its own listeners are looked for by name on the socket (Node 20
 * to 26 have the same ones). Where all are there, the one for `close` is called, which frees the parser, and all are taken
 * off; where one is missing, the answer stays with node:http.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { forgetLine, isAlone } from "../turns.ts";

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
type Listener = (this: Socket) => void;

/** How long the client may be silent when the answer has ended, before the connection is cut. */
const LINGER_MS = 5000;
/** RFC 9112, 7.1: the end of a chunked body. */
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** Calls `taken`, soon, when the socket is ours; never, where node:http keeps it. */
export function takeSocket(req: IncomingMessage, res: ServerResponse, taken: (socket: Socket) => void): void {
  // Not before its end: with a request that is not read to its end node:http breaks off the connection.
  req.once("end", () => {
    const { socket } = req;
    if (socket.destroyed || res.socket !== socket || !isAlone(socket)) return;
    const listeners = httpListeners(socket);
    if (listeners === undefined) return;
    res.detachSocket(socket);
    take(socket, listeners);
    taken(socket);
  });
  req.resume();
}

/** Ends the answer in order, and the connection with it. */
export function endTaken(socket: Pick<Socket, "end" | "setTimeout">): void {
  socket.end(LAST_CHUNK);
  socket.setTimeout(LINGER_MS, destroy);
}

/** The listeners of node:http in the order of the table; undefined where one is missing. */
function httpListeners(socket: Socket): readonly Listener[] | undefined {
  const found = LISTENERS.map(([event, name]) => socket.listeners(event).find((listener) => listener.name === name));
  return found.includes(undefined) ? undefined : (found as Listener[]);
}

function take(socket: Socket, listeners: readonly Listener[]): void {
  listeners[0]?.call(socket);
  for (const [index, [event]] of LISTENERS.entries()) socket.off(event, listeners[index] as Listener);
  forgetLine(socket);
  socket.on("error", ignore); // its `close` follows
  socket.on("end", hangUp);
  socket.on("data", pause);
}

// One each for all sockets, and not a closure of each.
function ignore(): void {}

/** A request behind an answer that does not end is never answered, so nothing is read of it or behind it. */
function pause(this: Socket): void {
  this.pause();
}

function hangUp(this: Socket): void {
  this.end();
}

function destroy(this: Socket): void {
  this.destroy();
}
