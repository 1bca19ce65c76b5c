/** An endless answer whose head is out, and whose frames have their chunk framing on them, needs nothing of node:http. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { takeFromHttp } from "../http-socket.ts";
import { isAlone } from "../turns.ts";

/** How long the client may be silent when the answer has ended, before the connection is cut. */
const LINGER_MS = 5000;
/** RFC 9112, 7.1: the end of a chunked body. */
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** Calls `taken`, soon, when the answer's socket is ours; never, where node:http keeps it. */
export function takeSocket(req: IncomingMessage, res: ServerResponse, taken: (socket: Socket) => void): void {
  // Not before its end: with a request that is not read to its end node:http breaks off the connection.
  req.once("end", () => {
    const { socket } = req;
    if (socket.destroyed || res.socket !== socket || !isAlone(socket)) return;
    if (!takeFromHttp(socket)) return;
    res.detachSocket(socket);
    socket.on("data", pause);
    taken(socket);
  });
  req.resume();
}

/** Ends the answer in order, and the connection with it. */
export function endTaken(socket: Pick<Socket, "end" | "setTimeout">): void {
  socket.end(LAST_CHUNK);
  socket.setTimeout(LINGER_MS, destroy);
}

// One each for all sockets, and not a closure of each.

/** A request behind an answer that does not end is never answered, so nothing is read of it or behind it. */
function pause(this: Socket): void {
  this.pause();
}

function destroy(this: Socket): void {
  this.destroy();
}
