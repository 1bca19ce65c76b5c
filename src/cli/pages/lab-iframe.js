/** The forever frame: a hidden page that never ends, with a script in it for each event. */

import { whyOff } from "./lab-fault.js";

/** @type {import("./lab-runner.js").Open} */
export function open(url, { received, ended }) {
  url.searchParams.set("transport", "iframe");
  url.searchParams.set("origin", location.origin);
  const frame = document.createElement("iframe");
  const take = (/** @type {MessageEvent} */ { source, origin, data }) => {
    if (source === frame.contentWindow && origin === location.origin) received(data);
  };
  addEventListener("message", take);
  // An endless page is loaded only where the server has ended it. Where the connection breaks off nothing happens.
  frame.onload = () => ended({ why: "the frame ended" });
  frame.hidden = true;
  frame.title = "the forever frame";
  frame.src = url.href;
  document.body.append(frame);
  return () => {
    removeEventListener("message", take);
    frame.remove();
  };
}

/**
 * @param {URL} url of the channel
 * @returns {Promise<string>} why it is of no use to open, or empty
 */
export function off(url) {
  url.searchParams.set("transport", "iframe-poll");
  url.searchParams.set("wait", "0");
  url.searchParams.set("origin", location.origin);
  return whyOff(url, /html/);
}
