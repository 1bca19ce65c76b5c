/** Short polling: a request that is answered at once, with news or without. */

import { faultOf, faultOfError } from "./lab-fault.js";

/** @typedef {import("./lab-runner.js").Handlers} Handlers */

/** @type {import("./lab-runner.js").Open} */
export function open(url, handlers) {
  url.searchParams.set("wait", "0");
  return ask(url, handlers);
}

/**
 * One request and its body. The cursor goes in `If-None-Match`: where nothing is new the answer is 304, without a body.
 *
 * @param {URL} url
 * @param {Handlers} handlers
 * @returns {() => void}
 */
export function ask(url, handlers) {
  const abort = new AbortController();
  const headers = { "If-None-Match": `"${url.searchParams.get("from")}"` };
  url.searchParams.delete("from");
  fetch(url, { headers, cache: "no-store", signal: abort.signal })
    .then((answer) => read(answer, handlers))
    .then(
      () => handlers.ended(),
      (error) => handlers.ended(faultOfError(error)),
    );
  return () => abort.abort();
}

/**
 * @param {Response} answer
 * @param {Handlers} handlers
 */
async function read(answer, { opened, received }) {
  if (answer.status === 304) return opened();
  if (!answer.ok) throw await faultOf(answer);
  opened();
  // The body is taken whole or not at all: one that breaks off throws before anything was received.
  const { events } = await answer.json();
  for (const message of events) received(message);
}
