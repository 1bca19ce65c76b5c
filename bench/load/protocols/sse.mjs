// Server-Sent Events in HTTP/1.1 chunks.

const LF = 10;
const CR = 13;
const SPACE = 32;
const HASH = 35;

/** @type {import("./index.mjs").Protocol} */
export const sse = {
  request: (path, port) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`,
  status: 200,
  readyOnHead: true,
  shared: true,
  // A message ends where a chunk ends with a blank line: servers may split an event over chunks.
  decode(bytes, from, to, sink) {
    let done = from;
    let at = from;
    /** @type {Buffer[]} */
    let parts = [];
    for (;;) {
      const chunk = nextChunk(bytes, at, to);
      if (chunk === undefined) return done;
      at = chunk.next;
      parts.push(chunk.body);
      const body = parts.length === 1 ? chunk.body : Buffer.concat(parts);
      if (!endsWithBlankLine(body)) continue;
      readEvents(body, sink);
      parts = [];
      done = at;
    }
  },
};

/**
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} to
 */
function nextChunk(bytes, at, to) {
  const lineEnd = bytes.indexOf("\r\n", at, "latin1");
  if (lineEnd < 0 || lineEnd + 2 > to) return undefined;
  const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
  const next = lineEnd + 2 + size + 2;
  // Also for a size that does not parse: nothing more is read, and the subscriber is reported as short of events.
  if (!(next <= to)) return undefined;
  return { body: bytes.subarray(lineEnd + 2, next - 2), next };
}

/** @param {Buffer} body */
function endsWithBlankLine(body) {
  const last = body.length - 1;
  return body[last] === LF && (body[last - 1] === LF || (body[last - 1] === CR && body[last - 2] === LF));
}

/**
 * @param {Buffer} body
 * @param {import("./index.mjs").Sink} sink
 */
function readEvents(body, sink) {
  let start = 0;
  while (start < body.length) {
    const lineEnd = body.indexOf(LF, start);
    const end = lineEnd < 0 ? body.length : lineEnd;
    if (body.toString("latin1", start, start + 5) === "data:") {
      const data = body[start + 5] === SPACE ? start + 6 : start + 5;
      if (body[data] === HASH) sink.event(body, data, end);
    }
    start = end + 1;
  }
}
