/** WebSocket frames of a server (RFC 6455, 5.2), unmasked and unfragmented, as ready bytes. */

const FIN = 0x80;
const OPCODES = { text: FIN | 0x1, binary: FIN | 0x2, ping: FIN | 0x9, pong: FIN | 0xa } as const;
/** The bit beside the length of what a client sends. */
const MASKED = 0x80;

/** A ping without data. The bytes are shared: never write into them. */
export const PING: Uint8Array = Buffer.from([OPCODES.ping, 0]);

/** A client's answer to {@link PING}: two bytes, the same for all, and the four of its mask. */
const PONG_BYTES = 6;

/** Whether these bytes of a client, which begin with a frame, are pongs without data, whole ones, and nothing else. */
export function isPongs(bytes: Uint8Array): boolean {
  if (bytes.byteLength % PONG_BYTES !== 0) return false;
  for (let at = 0; at < bytes.byteLength; at += PONG_BYTES) {
    if (bytes[at] !== OPCODES.pong || bytes[at + 1] !== MASKED) return false;
  }
  return true;
}

/** Makes one frame of a message. */
export type MakeFrame = (opcode: "text" | "binary", payload: string | Uint8Array) => Buffer;

/** The bit that says that a message is compressed (RFC 7692, 6). */
export const RSV1 = 0x40;

/** One frame: its head and its payload. */
export function websocketFrame(
  opcode: "text" | "binary",
  payload: string | Uint8Array,
  reserved: 0 | typeof RSV1 = 0,
): Buffer {
  const bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
  const headBytes = bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafeSlow(headBytes + bytes);
  frame[0] = OPCODES[opcode] | reserved;
  if (headBytes === 2) frame[1] = bytes;
  else if (headBytes === 4) frame.writeUInt16BE(bytes, writeMark(frame, 126));
  else frame.writeBigUInt64BE(BigInt(bytes), writeMark(frame, 127));
  if (typeof payload === "string") frame.write(payload, headBytes, "utf8");
  else frame.set(payload, headBytes);
  return frame;
}

/** Says how long the length is; returns where it goes. */
function writeMark(frame: Buffer, mark: 126 | 127): number {
  frame[1] = mark;
  return 2;
}
