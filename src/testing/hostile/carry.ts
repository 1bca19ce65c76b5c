/** Bytes from one socket to another, with backpressure, and each kind of end as what it is. */

import type { Socket } from "node:net";
import { type Duplex, PassThrough, type Writable } from "node:stream";
import { turn } from "../waiting.ts";

/** How a connection is broken off: its end is said (FIN), or it is reset (RST). */
export type Ending = "fin" | "reset";

/** What becomes of a connection. In the `dark` nothing passes, and neither side is told of the other's end. */
export type Fate = Ending | "dark";

/** What bytes go through on their way. */
export interface Stage {
  readonly stream: Duplex;
  /** Asked when the stream has ended: what becomes of the connection then; undefined: it ends as its source did. */
  readonly fate?: Fate | undefined;
}

export function unchanged(): Stage {
  return { stream: new PassThrough() };
}

export interface Stages {
  readonly toServer?: Stage;
  readonly toClient?: Stage;
}

/**
 * Joins two sockets until both have ended.
 * @param onFate a stage, or who calls what is returned, has decided what becomes of it
 * @returns decides what becomes of it, at once. With `fin`, what was written to the client still reaches it
 */
export function join(
  client: Socket,
  server: Socket,
  { toServer = unchanged(), toClient = unchanged() }: Stages = {},
  onFate: (fate: Fate) => void = () => {},
): (fate: Fate) => void {
  let over = false;

  function carry(source: Socket, target: Socket, stage: Stage): void {
    const { stream } = stage;
    let whole = false;
    source.on("end", () => {
      whole = true;
      if (!over) stream.end();
    });
    source.on("close", () => {
      if (!over && !stream.writableEnded) stream.end();
    });
    stream.on("end", () => {
      if (over) return;
      if (stage.fate !== undefined) decide(stage.fate, true);
      else if (whole) target.end();
      else endWhenWritten(target, target, "reset");
    });
    target.on("close", () => {
      stream.destroy();
      // It had said that it sends no more, so nobody else will find that it takes no more either.
      if (!over && target.readableEnded && !target.writableFinished) source.resetAndDestroy();
    });
    source.pipe(stream, { end: false }).pipe(target, { end: false });
  }

  function decide(fate: Fate, whenWritten: boolean): void {
    if (over) return;
    over = true;
    onFate(fate);
    if (fate === "dark") {
      stop(client, toServer);
      stop(server, toClient);
      return;
    }
    server.destroy();
    if (fate === "reset" && !whenWritten) client.resetAndDestroy();
    else endWhenWritten(client, client, fate);
  }

  carry(client, server, toServer);
  carry(server, client, toClient);
  return (fate) => decide(fate, false);
}

function stop(source: Socket, { stream }: Stage): void {
  source.unpipe(stream);
  source.pause();
}

/**
 * Breaks a connection off once all that was written has been sent.
 * @param out what was written to: the connection, or the answer that is on its way over it
 */
export function endWhenWritten(out: Writable, socket: Socket, ending: Ending): void {
  const end = () => {
    if (ending === "fin") socket.end(() => socket.destroy());
    else void reset(socket);
  };
  if (out.writableEnded) end();
  else out.write("", end);
}

/** Two turns later: a peer to whom bytes and a reset come at once may not see the bytes, or (libuv) not the reset. */
async function reset(socket: Socket): Promise<void> {
  await turn();
  await turn();
  socket.resetAndDestroy();
}
