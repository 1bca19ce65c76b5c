/** This page's client of its own server, and how its connection is told. `client.js` has put it on the window. */

/** @type {typeof import("../../client/index.ts")} */
const { connect } = globalThis.tailwire;

/** All tabs with pages of this server share one connection, where the browser can. */
export const push = connect("./", { shareTabs: true });

/**
 * Shows the state of the connection in words, and over which transport it is; `data-state` is for the style sheet and
 * for tests.
 *
 * @param {HTMLElement} element
 */
export function showConnectionIn(element) {
  let wasOpen = false;
  let why = "";

  function show() {
    wasOpen ||= push.state === "open";
    const [state, text] = describe(wasOpen, why);
    element.dataset.state = state;
    // Only where it is another, for screen readers read it out.
    if (element.textContent !== text) element.textContent = text;
  }

  push.on("state", (_state, reason) => {
    why = reason?.message ?? "";
    show();
  });
}

/**
 * @param {boolean} wasOpen
 * @param {string} why it is closed
 * @returns {[state: string, text: string]}
 */
function describe(wasOpen, why) {
  const { state, transport } = push;
  if (state === "open") return ["live", transport ? `live over ${transport}` : "live"];
  if (state === "closed") return ["closed", why ? `closed: ${why}` : "closed"];
  return wasOpen ? ["reconnecting", "reconnecting…"] : ["connecting", "connecting…"];
}
