// How subscribers open, by protocol.

/** @typedef {import("./contender.mjs").Protocol} Protocol */

const HEAD_END = "\r\n\r\n";

/**
 * Server-Sent Events. Ready when the answer's head is there, unless the server says more.
 * @param {(channel: string) => string} path
 * @param {{headers?: string[], negotiates?: string, ready?: string}} [options] `negotiates` must be in the answer's head
 * @returns {Protocol}
 */
export function sse(path, { headers = [], negotiates = "", ready = HEAD_END } = {}) {
  const lines = ["Host: localhost", "Accept: text/event-stream", ...headers];
  return {
    request: (channel) => `GET ${path(channel)} HTTP/1.1\r\n${lines.join("\r\n")}${HEAD_END}`,
    steps: [{ after: "HTTP/1.1 200", send: "" }, ...negotiation(negotiates)],
    framing: "chunks",
    ready,
  };
}

/**
 * WebSocket (RFC 6455).
 * @param {(channel: string) => string} path
 * @param {{headers?: string[], negotiates?: string}} [options] `negotiates` must be in the answer's head
 * @returns {Protocol}
 */
export function websocket(path, { headers = [], negotiates = "" } = {}) {
  const lines = [
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  ];
  return {
    request: (channel) => `GET ${path(channel)} HTTP/1.1\r\n${lines.join("\r\n")}${HEAD_END}`,
    steps: [{ after: "HTTP/1.1 101", send: "" }, ...negotiation(negotiates)],
    framing: "frames",
    ready: HEAD_END,
    ping: { is: "\x89\x00", answer: clientFrame("", 10) },
  };
}

/** What a browser offers (RFC 7692). */
export const deflates = {
  headers: ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
  negotiates: "permessage-deflate",
};

/** @param {string} text */
function negotiation(text) {
  return text === "" ? [] : [{ after: text, send: "" }];
}

/**
 * A client's frame of up to 65,535 bytes, masked as RFC 6455 (5.1) demands, with a key of zeros so that the payload stays as it is.
 * @param {string} payload
 * @param {number} [opcode] text without
 */
export function clientFrame(payload, opcode = 1) {
  const { length } = payload;
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255];
  return String.fromCharCode(0x80 | opcode, ...size, 0, 0, 0, 0) + payload;
}

/**
 * Long polling, as load/poll/protocols.mjs does it.
 * @param {import("../load/poll/protocols.mjs").PollName} name
 * @returns {Protocol}
 */
export function longPoll(name) {
  return { request: (channel) => `${name} ${channel}`, ready: "", program: "pollers" };
}
