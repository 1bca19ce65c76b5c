/** Where events, lines and frames end in a stream of bytes. */

import type { IncomingMessage } from "node:http";

/** Follows one stream. */
export interface Units {
  /**
   * Where the unit that the byte at `from` belongs to ends: the index behind it, or undefined where that is not in this
   * chunk. Called for every byte that begins a unit or a chunk, in order.
   */
  end(chunk: Uint8Array, from: number): number | undefined;
}

/** What an answer's body is made of: the events of SSE, lines of NDJSON, a body of known length whole, else writes. */
export function unitsOf({ headers }: IncomingMessage): Units {
  const type = headers["content-encoding"] === undefined ? (headers["content-type"] ?? "").replace(/;.*$/, "") : "";
  if (type === "text/event-stream") return eventUnits();
  if (type === "application/x-ndjson" || type === "text/plain") return lineUnits();
  const length = headers["content-length"];
  return length === undefined ? writeUnits() : bodyUnits(Number(length));
}

const [LF, CR] = [10, 13];

export function lineUnits(): Units {
  return {
    end(chunk, from) {
      const at = chunk.indexOf(LF, from);
      return at < 0 ? undefined : at + 1;
    },
  };
}

/** An event ends with a blank line, and a line with CR, LF or both (WHATWG HTML, 9.2.5). */
export function eventUnits(): Units {
  let blank = false; // the line so far
  let afterCr = false;
  return {
    end(chunk, from) {
      for (let at = from; at < chunk.length; at += 1) {
        const byte = chunk[at];
        const secondOfTwo = byte === LF && afterCr;
        afterCr = byte === CR;
        if (secondOfTwo) continue;
        const ends = byte === LF || byte === CR;
        const isEnd = ends && blank;
        blank = ends && !isEnd;
        if (!isEnd) continue;
        // Of a CRLF that is torn apart, the LF is left to the next event.
        if (byte === LF || chunk[at + 1] !== LF) return at + 1;
        afterCr = false;
        return at + 2;
      }
      return undefined;
    },
  };
}

/** Frames of a server's WebSocket, which have no mask (RFC 6455, 5.2). */
export function frameUnits(): Units {
  let head: number[] = [];
  let left: number | undefined; // of the payload, once the head is read
  return {
    end(chunk, from) {
      let at = from;
      for (; left === undefined && at < chunk.length; at += 1) {
        head.push(chunk[at] as number);
        left = payloadLength(head);
      }
      if (left === undefined) return undefined;
      const step = Math.min(left, chunk.length - at);
      left -= step;
      if (left > 0) return undefined;
      [head, left] = [[], undefined];
      return at + step;
    },
  };
}

/** Undefined while the head is not whole. */
function payloadLength(head: readonly number[]): number | undefined {
  const [, second] = head;
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  if (short < 126) return short;
  const bytes = short === 126 ? 2 : 8;
  if (head.length < 2 + bytes) return undefined;
  return head.slice(2).reduce((length, byte) => length * 256 + byte, 0);
}

function bodyUnits(length: number): Units {
  let left = length;
  return {
    end(chunk, from) {
      left -= chunk.length - from;
      return left > 0 ? undefined : chunk.length;
    },
  };
}

function writeUnits(): Units {
  return { end: (chunk) => chunk.length };
}
