/**
 * The last thirty seconds of one transport, drawn: a bar for each request, pale while it waits for its answer and full
 * while the answer is under way; above it a tick for each event; a dotted line where this page has published; a red end
 * where the connection broke.
 *
 *                              |           |
 *     poll            ▐        ▐        ▐  ▐     ▐
 *                             |       |
 *     long-poll       ░░░░░░░░▌░░░░░░░▌░░░░░░░░░░░
 *                             |       |
 *     sse             ████████████████████████████
 */

/** How much time it shows. */
export const SPAN_MS = 30_000;

/** While the page is hidden nothing is drawn, and so nothing leaves at the left. */
const MAX_DRAWN = 1_000;

const HEIGHT = 40;
const BAR = { top: 15, bottom: 35 };
const SVG = "http://www.w3.org/2000/svg";

/** The bar of one request. Where `end` is missing it grows. */
class Bar {
  #asked = rect("asked", BAR.top, BAR.bottom);
  #answered = rect("answered", BAR.top, BAR.bottom);
  #begin;
  /** @type {number | undefined} */
  #answer;
  /** @type {number | undefined} */
  end;

  /**
   * @param {Element} parent
   * @param {number} begin
   */
  constructor(parent, begin) {
    this.#begin = begin;
    parent.prepend(this.#asked); // Below the one before, of whose answer there may be no more than a line.
    this.draw(begin);
  }

  /** @param {number} at */
  answer(at) {
    this.#answer = at;
    this.#asked.after(this.#answered);
    this.draw(at);
  }

  /** @param {number} now */
  draw(now) {
    const end = this.end ?? now;
    place(this.#asked, this.#begin, this.#answer ?? end);
    if (this.#answer !== undefined) place(this.#answered, this.#answer, end);
  }

  remove() {
    this.#asked.remove();
    this.#answered.remove();
  }
}

export class Timeline {
  /** What moves to the left, in layers from the back to the front. */
  #moving;
  #layers;
  /** @type {Bar[]} */
  #bars = [];
  /** What does not grow: when it was, and its element. @type {{ at: number, element: Element }[]} */
  #marks = [];
  /** @type {{ from: number, element: Element } | undefined} */
  #cut;

  /** @param {Element} svg an empty `<svg>` */
  constructor(svg) {
    svg.setAttribute("viewBox", `0 0 ${SPAN_MS} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    for (const at of [10_000, 20_000]) svg.append(line("grid", at, 0, HEIGHT));
    this.#moving = element("g", "");
    this.#layers = { back: element("g", ""), bars: element("g", ""), front: element("g", "") };
    this.#moving.append(this.#layers.back, this.#layers.bars, this.#layers.front);
    svg.append(this.#moving);
  }

  /** A request goes out. @param {number} at by `performance.now()`, as everywhere here */
  began(at) {
    this.#bars.push(new Bar(this.#layers.bars, at));
    if (this.#bars.length > MAX_DRAWN) this.#bars.shift()?.remove();
  }

  /** Its answer begins. @param {number} at */
  opened(at) {
    this.#bars.at(-1)?.answer(at);
  }

  /**
   * @param {number} at
   * @param {boolean} broken
   */
  ended(at, broken) {
    const bar = this.#bars.at(-1);
    if (bar) bar.end = at;
    bar?.draw(at);
    if (broken) this.#mark(this.#layers.front, at, line("broken", at, BAR.top - 4, BAR.bottom + 4));
  }

  /** An event comes. @param {number} at */
  event(at) {
    this.#mark(this.#layers.front, at, line("event", at, 3, BAR.top));
  }

  /** Another message comes: `$open`, `$heartbeat`. @param {number} at */
  message(at) {
    this.#mark(this.#layers.front, at, line("message", at, BAR.top + 6, BAR.bottom - 6));
  }

  /** This page publishes. @param {number} at */
  published(at) {
    this.#mark(this.#layers.back, at, line("published", at, 0, HEIGHT));
  }

  /** The connection is held cut from here on. @param {number} at */
  cut(at) {
    const held = rect("cut", 0, HEIGHT);
    this.#layers.back.prepend(held);
    this.#cut = { from: at, element: held };
  }

  /** It is let back. @param {number} at */
  released(at) {
    if (!this.#cut) return;
    const { from, element: held } = this.#cut;
    place(held, from, at);
    this.#marks.push({ at, element: held });
    this.#cut = undefined;
  }

  /** @param {number} now */
  draw(now) {
    this.#moving.setAttribute("transform", `translate(${SPAN_MS - now} 0)`);
    const begin = now - SPAN_MS;
    for (const bar of this.#bars) if (bar.end === undefined) bar.draw(now);
    if (this.#cut) place(this.#cut.element, this.#cut.from, now);
    this.#bars = this.#bars.filter((bar) => bar.end === undefined || bar.end > begin || bar.remove());
    this.#marks = this.#marks.filter(({ at, element: old }) => at > begin || old.remove());
  }

  /**
   * @param {Element} layer
   * @param {number} at
   * @param {Element} mark
   */
  #mark(layer, at, mark) {
    layer.append(mark);
    this.#marks.push({ at, element: mark });
    if (this.#marks.length > MAX_DRAWN) this.#marks.shift()?.element.remove();
  }
}

/**
 * @param {string} className
 * @param {number} x
 * @param {number} top
 * @param {number} bottom
 */
function line(className, x, top, bottom) {
  const drawn = element("line", className);
  const places = { x1: x, x2: x, y1: top, y2: bottom };
  for (const [name, value] of Object.entries(places)) drawn.setAttribute(name, String(value));
  return drawn;
}

/**
 * @param {string} className
 * @param {number} top
 * @param {number} bottom
 */
function rect(className, top, bottom) {
  const drawn = element("rect", className);
  drawn.setAttribute("y", String(top));
  drawn.setAttribute("height", String(bottom - top));
  return drawn;
}

/**
 * @param {Element} drawn
 * @param {number} from
 * @param {number} to
 */
function place(drawn, from, to) {
  drawn.setAttribute("x", String(from));
  drawn.setAttribute("width", String(Math.max(0, to - from)));
}

/**
 * @param {"g" | "line" | "rect"} name
 * @param {string} className
 */
function element(name, className) {
  const made = document.createElementNS(SVG, name);
  if (className) made.setAttribute("class", className);
  return made;
}
