/** The chunks of HTTP/1.1 (RFC 9112, 7.1): chunk = chunk-size CRLF chunk-data CRLF. */

/** A chunk of a text. */
export function chunkText(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const head = headOf(bytes);
  const chunk = Buffer.allocUnsafeSlow(head.length + bytes + 2);
  chunk.write(head, 0, "latin1");
  chunk.write(text, head.length, "utf8");
  chunk.write("\r\n", head.length + bytes, "latin1");
  return chunk;
}

/** One chunk of several parts. */
export function chunkBytes(parts: readonly Uint8Array[]): Buffer {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Buffer.from(headOf(bytes), "latin1"), ...parts, CRLF]);
}

const CRLF = Buffer.from("\r\n");

function headOf(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}
