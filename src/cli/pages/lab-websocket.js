/** WebSocket: after a handshake over HTTP, frames in both directions. Here with the subprotocol `tailwire.v1`. */

/** @type {import("./lab-runner.js").Open} */
export function open(url, { opened, received, ended }) {
  const socket = new WebSocket(websocketUrl(url), "tailwire.v1");
  socket.onopen = opened;
  socket.onmessage = ({ data }) => {
    for (const line of data.split("\n")) received(JSON.parse(line));
  };
  socket.onclose = ({ code }) => ended({ why: `closed with ${code}` });
  return () => socket.close();
}

/** @param {URL} url */
export function websocketUrl(url) {
  return url.href.replace(/^http/, "ws");
}
