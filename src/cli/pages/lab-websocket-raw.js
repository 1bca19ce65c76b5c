/** WebSocket without a subprotocol: a frame is an event's data and nothing else. */

import { websocketUrl } from "./lab-websocket.js";

/** @type {import("./lab-runner.js").Open} */
export function open(url, { opened, received, ended }) {
  // Frames carry no position, so there is none to come back from.
  url.searchParams.set("from", "now");
  const socket = new WebSocket(websocketUrl(url));
  socket.binaryType = "arraybuffer";
  socket.onopen = opened;
  socket.onmessage = ({ data }) => received({ type: "message", data: dataIn(data) });
  socket.onclose = ({ code }) => ended({ why: `closed with ${code}` });
  return () => socket.close();
}

/** @param {string | ArrayBuffer} frame */
function dataIn(frame) {
  if (typeof frame !== "string") return `binary, ${frame.byteLength} bytes`;
  try {
    return JSON.parse(frame);
  } catch {
    return frame;
  }
}
