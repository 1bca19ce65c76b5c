// WebSocket (RFC 6455): one event is one unfragmented data frame.

const HASH = 35;
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;
const OPCODE_PONG = 10;

/** @type {import("./index.mjs").Protocol} */
export const websocket = {
  request: (path, port) =>
    [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "\r\n",
    ].join("\r\n"),
  status: 101,
  readyOnHead: true,
  shared: true,
  decode: (bytes, from, to, sink) => decodeFrames(bytes, from, to, sink, onData),
};

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} end
 * @param {import("./index.mjs").Sink} sink
 */
function onData(bytes, start, end, sink) {
  if (bytes[start] === HASH) sink.event(bytes, start, end);
}

/**
 * Reads a server's frames, which are never masked (section 5.1).
 * @param {Buffer} bytes
 * @param {number} from
 * @param {number} to
 * @param {import("./index.mjs").Sink} sink
 * @param {typeof onData} onMessage
 */
export function decodeFrames(bytes, from, to, sink, onMessage) {
  let at = from;
  while (at + 2 <= to) {
    const start = at + headLength(bytes, at);
    if (start > to) return at;
    const end = start + payloadLength(bytes, at);
    if (end > to) return at;
    const opcode = (bytes[at] ?? 0) & 15;
    if (opcode < OPCODE_CLOSE) onMessage(bytes, start, end, sink);
    else onControl(opcode, bytes.subarray(start, end), sink);
    at = end;
  }
  return at;
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 */
function headLength(bytes, at) {
  const length = bytes[at + 1] ?? 0;
  if (length < 126) return 2;
  return length === 126 ? 4 : 10;
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 */
function payloadLength(bytes, at) {
  const length = bytes[at + 1] ?? 0;
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}

/**
 * @param {number} opcode
 * @param {Buffer} payload
 * @param {import("./index.mjs").Sink} sink
 */
function onControl(opcode, payload, sink) {
  if (opcode === OPCODE_PING) sink.send(clientFrame(OPCODE_PONG, payload));
  else if (opcode === OPCODE_CLOSE) sink.fail("the server sent a close frame");
}

/**
 * A client's frame, masked as section 5.1 demands, with a key of zeros so that the payload stays as it is.
 * @param {number} opcode
 * @param {Buffer} payload up to 125 bytes
 */
export function clientFrame(opcode, payload) {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
