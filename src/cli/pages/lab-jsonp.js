/** JSONP: a long poll whose answer is a script that calls a function of the page. */

import { whyOff } from "./lab-fault.js";

const WAIT_SECONDS = 25;

/** @type {Record<string, unknown>} */
const globals = /** @type {never} */ (globalThis);
let count = 0;

/** @type {import("./lab-runner.js").Open} */
export function open(url, { received, opened, ended }) {
  count += 1;
  const name = `tailwireLab${count}`;
  url.searchParams.set("callback", name);
  url.searchParams.set("wait", String(WAIT_SECONDS));
  const script = document.createElement("script");
  globals[name] = (/** @type {{ events: import("./lab-runner.js").Message[] }} */ { events }) => {
    delete globals[name];
    opened();
    for (const message of events) received(message);
  };
  const over = (/** @type {import("./lab-runner.js").Fault | undefined} */ fault) => {
    script.remove();
    ended(fault);
  };
  script.onload = () => over(undefined);
  // No status and no reason: this is all that a page is told.
  script.onerror = () => over({ why: "the script did not load" });
  script.src = url.href;
  document.head.append(script);
  return () => {
    // The request itself cannot be taken back: the server answers it in its time, and nobody listens.
    script.remove();
    if (name in globals) globals[name] = () => delete globals[name];
  };
}

/**
 * @param {URL} url of the channel
 * @returns {Promise<string>} why it is of no use to open, or empty
 */
export function off(url) {
  url.searchParams.set("callback", "probe");
  url.searchParams.set("wait", "0");
  return whyOff(url, /javascript/);
}
