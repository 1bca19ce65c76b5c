/** From the text of a frame to the bytes that go on the socket. */

/** How an HTTP body is cut: `chunked` with the chunk's length and CRLFs already on it, or as it is. */
export type Framing = "chunked" | "plain";

/** A frame's bytes. Made once for all the sockets that they are written to. */
export function frameText(text: string, framing: Framing): Buffer {
  if (framing === "plain") return Buffer.from(text);
  // RFC 9112, 7.1: chunk = chunk-size CRLF chunk-data CRLF
  const bytes = Buffer.byteLength(text);
  const head = `${bytes.toString(16)}\r\n`;
  const frame = Buffer.allocUnsafeSlow(head.length + bytes + 2);
  frame.write(head, 0, "latin1");
  frame.write(text, head.length, "utf8");
  frame.write("\r\n", head.length + bytes, "latin1");
  return frame;
}
