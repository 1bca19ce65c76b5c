// How each server is long-polled: from the answers so far to the next request. One connection each, one request at a time.

/**
 * @typedef {object} Answer
 * @property {string} head
 * @property {string} body
 */

/**
 * One poller: a function from the last answer (none at first) to its next request. `parks` says whether that request is
 * one that the server holds until there is an event.
 * @typedef {(answer?: Answer) => {request: string, parks: boolean}} Poll
 */

/** @typedef {keyof typeof polls} PollName */

export const polls = { tailwire, nchan, engineIo, sockjs };

/**
 * @param {string} path
 * @param {string[]} [fields]
 */
function get(path, fields = []) {
  return `GET ${path} HTTP/1.1\r\n${["Host: localhost", ...fields].join("\r\n")}\r\n\r\n`;
}

/**
 * @param {string} path
 * @param {string} body
 */
function post(path, body) {
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/**
 * The cursor of each answer is where the next poll begins.
 * @param {string} channel
 * @returns {Poll}
 */
function tailwire(channel) {
  return (answer) => {
    const fields = ["Accept: application/json"];
    if (answer === undefined) return { request: get(`/channels/${channel}?wait=0`, fields), parks: false };
    const cursor = field(answer, "Tailwire-Cursor");
    return { request: get(`/channels/${channel}?wait=25&from=${cursor}`, fields), parks: true };
  };
}

/**
 * One message an answer; Last-Modified and Etag say where the next poll begins.
 * @param {string} channel
 * @returns {Poll}
 */
function nchan(channel) {
  const path = `/subscribe?channel=${channel}`;
  return (answer) => {
    if (answer === undefined) return { request: get(path), parks: true };
    const since = [`If-Modified-Since: ${field(answer, "Last-Modified")}`, `If-None-Match: ${field(answer, "Etag")}`];
    return { request: get(path, since), parks: true };
  };
}

/**
 * Socket.IO 4 on Engine.IO's polling: open, join the namespace, and poll; a ping ("2") is answered ("3") in between.
 * @param {string} channel
 * @returns {Poll}
 */
function engineIo(channel) {
  let path = `/socket.io/?EIO=4&transport=polling&channel=${channel}`;
  /** @param {boolean} parks */
  const wait = (parks) => ({ request: get(path), parks });
  let joined = false;
  return (answer) => {
    if (answer === undefined) return wait(false);
    if (answer.body.startsWith("0{")) {
      path += `&sid=${/"sid":"([^"]+)"/.exec(answer.body)?.[1]}`;
      return { request: post(path, "40"), parks: false };
    }
    if (answer.body.split("\x1e").includes("2")) return { request: post(path, "3"), parks: false };
    // The first "ok" answers the join; the poll behind it brings "40{…}" at once.
    joined ||= answer.body.startsWith("40{");
    return wait(joined);
  };
}

let sessions = 0;

/**
 * SockJS's xhr-polling. A session is a path of its own.
 * @param {string} channel
 * @returns {Poll}
 */
function sockjs(channel) {
  const request = post(`/sockjs/${channel}/000/session${sessions++}/xhr`, "");
  return (answer) => ({ request, parks: answer !== undefined });
}

/**
 * @param {Answer} answer
 * @param {string} name
 */
function field({ head }, name) {
  const value = new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1]?.trim();
  if (value === undefined) throw new Error(`an answer without ${name}: ${head}`);
  return value;
}
