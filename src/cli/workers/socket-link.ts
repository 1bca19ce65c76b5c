/** A socket as a link between the primary and a worker. */

import type { Socket } from "node:net";
import type { Link, LinkOwner } from "../../workers/link.ts";

const NOBODY: LinkOwner = { take() {}, drained() {}, closed() {} };

/**
 * Not `process.send`, which is as quick, but cannot say when the other end has enough, and queues behind connections
 * that are handed over.
 */
export function socketLink(socket: Socket): Link {
  const link: Link = {
    owner: NOBODY,
    send: (text) => socket.write(text),
    close: () => void socket.end(),
  };
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => link.owner.take(text));
  socket.on("drain", () => link.owner.drained());
  socket.on("close", () => link.owner.closed());
  socket.on("error", () => {}); // the close follows
  return link;
}
