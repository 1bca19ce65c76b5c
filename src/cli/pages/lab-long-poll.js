/** Long polling: a request whose answer the server holds back until there is an event. */

import { ask } from "./lab-poll.js";

/** Less than the 30 or 60 seconds after which proxies cut a silent request. */
const WAIT_SECONDS = 25;

/** @type {import("./lab-runner.js").Open} */
export function open(url, handlers) {
  url.searchParams.set("wait", String(WAIT_SECONDS));
  return ask(url, handlers);
}
