// HTTP/1.1 answers out of a stream of bytes: one at a time, with Content-Length or in chunks.

/** @typedef {import("./protocols.mjs").Answer} Answer */

const HEAD_END = "\r\n\r\n";

export class AnswerReader {
  #text = "";

  /**
   * @param {string} text what came, a character a byte
   * @returns {Answer | undefined} the answer, once it is whole
   */
  read(text) {
    this.#text += text;
    const end = this.#text.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const head = this.#text.slice(0, end);
    const rest = this.#text.slice(end + HEAD_END.length);
    const body = /^transfer-encoding: *chunked/im.test(head) ? dechunk(rest) : ofLength(rest, contentLength(head));
    if (body === undefined) return undefined;
    this.#text = "";
    if (!/^HTTP\/1\.1 2/.test(head)) throw new Error(`answered with ${head.split("\r\n")[0]} ${body}`);
    return { head, body };
  }
}

/** @param {string} head */
function contentLength(head) {
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

/**
 * @param {string} text
 * @param {number} length
 */
function ofLength(text, length) {
  if (text.length > length) throw new Error("more than one answer to one request");
  return text.length === length ? text : undefined;
}

/** @param {string} text */
function dechunk(text) {
  let body = "";
  for (let at = 0; ; ) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (text.length < next) return undefined;
    if (size === 0) return body;
    body += text.slice(line + 2, line + 2 + size);
    at = next;
  }
}
