/** XHR streaming: one endless answer, read at readyState 3 while it grows. */

import { lineReader } from "./lab-lines.js";

/** `responseText` keeps all that ever came. Past so many characters it is dropped, for a new one from the cursor. */
const MAX_RESPONSE_CHARACTERS = 16_384;

/** @type {import("./lab-runner.js").Open} */
export function open(url, { opened, received, ended }) {
  const request = new XMLHttpRequest();
  const take = lineReader(received);
  let read = 0;
  request.onreadystatechange = () => {
    if (request.status !== 200) return;
    if (request.readyState === XMLHttpRequest.HEADERS_RECEIVED) opened();
    if (request.readyState !== XMLHttpRequest.LOADING) return;
    const text = request.responseText;
    take(text.slice(read));
    read = text.length;
    if (read > MAX_RESPONSE_CHARACTERS) ended();
  };
  request.onload = () => ended(request.status === 200 ? undefined : refusal(request));
  request.onerror = () => ended({ why: "the connection broke" });
  request.open("GET", url);
  request.setRequestHeader("Accept", "application/x-ndjson");
  request.send();
  return () => request.abort();
}

/** @param {XMLHttpRequest} request */
function refusal({ status }) {
  return { why: `the server answered ${status}`, final: status < 500 };
}
