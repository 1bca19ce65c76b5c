/**
 * What `ws` does for a connection, and when: it answers the handshake at once, and takes the socket when the client
 * first says something that is not a pong. Until then its own part (the WebSocket, its receiver, which is a stream, its
 * sender, and the listeners between them) would be most of what an idle connection costs.
 */

import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** The subprotocol that this server speaks. */
export const SUBPROTOCOL = "tailwire.v1";
/** Room for what stands around an event's data in a message. Base64 and escapes make data longer. */
const MESSAGE_OVERHEAD = 4096;

/** How `ws` inflates what clients send: with a buffer of 4 KiB, and not 16, for each who has sent something. */
const READING = { zlibInflateOptions: { chunkSize: 4096 } };

/** Of the second handshake, whose answer nobody sees: any key will do. */
const REQUEST = {
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

const NOTHING = Buffer.alloc(0);

/** Does handshakes, for the hub's largest event. With compression, it takes the one offer that it is given. */
export function websocketServer(maxEventBytes: number, compression: boolean): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: compression && READING,
    maxPayload: maxEventBytes * 2 + MESSAGE_OVERHEAD,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
}

/**
 * Has `ws` answer the handshake, on a stand-in for the socket: what it makes for a connection is dropped with that.
 * @param extension what was agreed on, which `ws` takes as it is; it would end the connection where it had none to take
 * @returns false where `ws` has refused, and has ended the connection
 */
export function answerHandshake(
  server: WebSocketServer,
  req: IncomingMessage,
  socket: Socket,
  { extension, cursor }: { readonly extension: string | undefined; readonly cursor: string },
): boolean {
  req.headers["sec-websocket-extensions"] = extension;
  const addCursor = (headers: string[]) => headers.push(`Tailwire-Cursor: ${cursor}`);
  let done = false;
  server.on("headers", addCursor);
  server.handleUpgrade(req, standIn(socket), NOTHING, () => {
    done = true;
  });
  server.off("headers", addCursor);
  socket.setTimeout(0);
  socket.setNoDelay();
  return done;
}

/** Passes on what is written, at once, and the end. */
function standIn(socket: Socket): Duplex {
  return new Duplex({
    read() {},
    write(bytes, _, done) {
      socket.write(bytes);
      done();
    },
    final(done) {
      socket.end();
      done();
    },
  });
}

/**
 * Has `ws` take a socket whose handshake it has answered. The one public way is another handshake, so what that writes is
 * not sent; it is written before this returns.
 * @param head what has come and was not read
 * @param extension as in the first handshake
 * @returns undefined where the socket has ended
 */
export function takeWebSocket(
  server: WebSocketServer,
  socket: Socket,
  head: Buffer,
  extension: string | undefined,
): WebSocket | undefined {
  const req = new IncomingMessage(socket);
  req.method = "GET";
  req.headers = { ...REQUEST, "sec-websocket-extensions": extension };
  let taken: WebSocket | undefined;
  const { write } = socket;
  socket.write = drop;
  server.handleUpgrade(req, socket, head, (ws) => {
    taken = ws;
  });
  socket.write = write; // it would be slower to delete it
  return taken;
}

function drop(): boolean {
  return true;
}
