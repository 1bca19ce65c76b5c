// What a subscriber's bytes say: HTTP chunks and WebSocket frames, plain or compressed.

import { constants, inflateRawSync } from "node:zlib";

const SYNC_FLUSH = Buffer.from([0, 0, 0xff, 0xff]);

/**
 * The data of the SSE events in the chunks of a body.
 * @param {Buffer} bytes from the beginning of a chunk; of a gzip body, from behind a flush
 * @param {boolean} compressed
 */
export function sseData(bytes, compressed) {
  const body = Buffer.concat(chunks(bytes));
  const text = (compressed ? inflate(body) : body).toString("latin1");
  return [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data = ""]) => data);
}

/**
 * The text of WebSocket messages. Each is one frame.
 * @param {Buffer} bytes from the beginning of a frame
 */
export function websocketText(bytes) {
  /** @type {Buffer[]} */
  const texts = [];
  /** @type {Buffer[]} */
  let run = [];
  const endRun = () => {
    if (run.length > 0) texts.push(inflate(Buffer.concat(run)));
    run = [];
  };
  for (const { compressed, payload } of frames(bytes)) {
    // Compressed messages in a row are one deflate stream: they may refer to what came before (RFC 7692, 7.2.3.2).
    if (compressed) run.push(payload, SYNC_FLUSH);
    else {
      endRun();
      texts.push(payload);
    }
  }
  endRun();
  return Buffer.concat(texts).toString("latin1");
}

/** @param {Buffer} deflated up to a sync flush */
function inflate(deflated) {
  return inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** @param {Buffer} bytes */
function chunks(bytes) {
  const bodies = [];
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf("\r\n", at, "latin1");
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    if (lineEnd < 0 || !(start + size + 2 <= bytes.length)) throw new Error(`no whole chunk at byte ${at}`);
    bodies.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
  return bodies;
}

/**
 * A server's data frames, which are never masked (RFC 6455, 5.1).
 * @param {Buffer} bytes
 */
function frames(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at);
    const { start, length } = payloadPlace(bytes, at);
    if (start + length > bytes.length) throw new Error(`no whole frame at byte ${at}`);
    if ((first & 15) < 8)
      found.push({ compressed: (first & 0x40) !== 0, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 */
function payloadPlace(bytes, at) {
  const length = bytes.readUInt8(at + 1);
  if (length < 126) return { start: at + 2, length };
  if (length === 126) return { start: at + 4, length: bytes.readUInt16BE(at + 2) };
  return { start: at + 10, length: Number(bytes.readBigUInt64BE(at + 2)) };
}
