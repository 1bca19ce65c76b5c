/** Shows the heads of a transport's newest request, and for a WebSocket how its handshake is worked out. */

import { GUID, handshakeIn } from "./lab-handshake.js";
import { bytesText } from "./lab-wire.js";

/** What a reader should look at. */
const TELLING =
  /^(accept|connection|content-length|content-type|etag|if-none-match|last-event-id|origin|sec-fetch-dest|sec-websocket-.*|tailwire-cursor|transfer-encoding|upgrade):/i;

export class HeadsView {
  #hint;
  #up;
  #down;
  #handshake;
  /** The number of the exchange that the handshake was worked out of. */
  #workedOut = 0;

  /**
   * @param {Element} heads
   * @param {Element | undefined} handshake
   */
  constructor(heads, handshake) {
    this.#hint = /** @type {HTMLElement} */ (heads.querySelector(".hint"));
    this.#up = /** @type {HTMLElement} */ (heads.querySelector(".up"));
    this.#down = /** @type {HTMLElement} */ (heads.querySelector(".down"));
    this.#handshake = handshake;
  }

  /** @param {import("./lab-wire.js").Exchange} exchange */
  show(exchange) {
    const { request, response, sent, received } = exchange;
    this.#hint.hidden = true;
    showHead(this.#up, `Request ↑ ${bytesText(received)}`, request);
    const none = exchange.open ? "(no answer yet)" : "(the connection ended without an answer)";
    showHead(this.#down, `Answer ↓ ${bytesText(sent)}`, response || none);
    if (this.#handshake && exchange.n !== this.#workedOut) this.#workOut(exchange, this.#handshake);
  }

  /**
   * @param {import("./lab-wire.js").Exchange} exchange
   * @param {Element} handshake
   */
  #workOut({ n, request, response }, handshake) {
    const values = handshakeIn(request, response);
    if (!values) return;
    this.#workedOut = n;
    for (const [name, value] of Object.entries(values)) {
      const place = /** @type {HTMLElement} */ (handshake.querySelector(`[data-value="${name}"]`));
      place.textContent = value;
    }
    const joined = /** @type {HTMLElement} */ (handshake.querySelector('[data-value="joined"]'));
    joined.replaceChildren(values.key, strong(GUID));
    const verdict = /** @type {HTMLElement} */ (handshake.querySelector(".verdict"));
    const same = values.accept === values.answered;
    verdict.textContent = same ? "✓ the same" : "✗ not the same: the browser ends the connection";
    verdict.dataset.same = String(same);
  }
}

/**
 * @param {HTMLElement} figure
 * @param {string} caption
 * @param {string} head
 */
function showHead(figure, caption, head) {
  figure.hidden = false;
  const pre = /** @type {HTMLElement} */ (figure.querySelector("pre"));
  setText(/** @type {HTMLElement} */ (figure.querySelector("figcaption")), caption);
  const text = head.trimEnd();
  // Touched only where it has changed, or nobody could select it.
  if (pre.textContent === text) return;
  pre.replaceChildren(...text.split("\r\n").flatMap((line, index) => [index ? "\n" : "", lineOf(line, index)]));
}

/**
 * @param {string} line
 * @param {number} index
 */
function lineOf(line, index) {
  return index === 0 || TELLING.test(line) ? strong(line) : line;
}

/** @param {string} text */
function strong(text) {
  const element = document.createElement("strong");
  element.textContent = text;
  return element;
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
