// The chart of a run: an SVG of horizontal bars, a panel a benchmark. It carries its own background and colours for light
// and dark, and needs no font and no script, so that a README can show it as an image. It is narrow, so that its text can
// still be read where a phone makes it fit: 10 px of 12, at 375 px.

import { cell } from "./report.mjs";

/** @typedef {import("./report.mjs").Report} Report */
/** @typedef {import("./figures.mjs").Summary} Summary */

/**
 * @typedef {object} Panel
 * @property {string} benchmark
 * @property {string} figure of its summaries
 * @property {string} title
 * @property {"more" | "less"} better
 * @property {number} [digits] behind the point
 */

/** @type {Panel[]} */
const panels = [
  { benchmark: "fanout", figure: "deliveries/s", title: "Fan-out: deliveries a second", better: "more" },
  {
    benchmark: "ndjson",
    figure: "deliveries/s",
    title: "One NDJSON request: deliveries a second",
    better: "more",
  },
  {
    benchmark: "pace",
    figure: "CPU a delivery",
    title: "Even pace: server CPU a delivery, µs",
    better: "less",
    digits: 1,
  },
  {
    benchmark: "latency",
    figure: "p99 to the last",
    title: "Latency: p99 to the last of all, ms",
    better: "less",
    digits: 1,
  },
  {
    benchmark: "idle",
    figure: "memory each, after gc",
    title: "Idle subscriber: memory, KB",
    better: "less",
    digits: 1,
  },
  {
    benchmark: "resume",
    figure: "time until all caught up",
    title: "All cut and resumed: seconds",
    better: "less",
    digits: 2,
  },
  {
    benchmark: "poll",
    figure: "deliveries per CPU second",
    title: "Long polling: deliveries a CPU second",
    better: "more",
  },
];

const WIDTH = 440;
const MARGIN = 16;
const LABEL_END = 146;
const BAR_START = LABEL_END + 8;
const BAR_END = 350;
const ROW = 21;
const BAR = 13;
const TITLE = 22;
const LINE = 15;
const GAP = 20;
/** So many characters of the smaller text go in a line. */
const LINE_CHARACTERS = 70;

const style = `
  .page { fill: #ffffff; stroke: #d8dee4 }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px }
  .load { font-size: 11px; fill: #59636e }
  .bar { fill: #8c96a1 }
  .ours { fill: #0969da }
  .spread { stroke: #1f2328; stroke-width: 1.5 }
  .failed { fill: #b35900 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d }
    text { fill: #e6edf3 }
    .load { fill: #9198a1 }
    .bar { fill: #6e7781 }
    .ours { fill: #4493f8 }
    .spread { stroke: #e6edf3 }
    .failed { fill: #db8a3c }
  }
`;

/**
 * @param {Report[]} reports
 * @param {string} machine in words
 * @returns {string | undefined} the SVG; undefined where there is nothing to draw
 */
export function drawChart(reports, machine) {
  const drawn = panels.flatMap((panel) => {
    const report = reports.find(({ benchmark }) => benchmark === panel.benchmark);
    return report === undefined || report.summaries.length === 0 ? [] : [{ panel, report }];
  });
  if (drawn.length === 0) return undefined;
  let top = MARGIN;
  const parts = drawn.map(({ panel, report }) => {
    const part = drawPanel(panel, report, top);
    top += part.height + GAP;
    return part.svg;
  });
  const foot = lines(`${machine}. Bars are medians, the thin lines least to most.`);
  const height = top + foot.length * LINE + MARGIN / 2;
  const title = `Tailwire beside its peers: ${drawn.map(({ panel }) => panel.title).join("; ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title><style>${style}</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...parts,
    ...foot.map((line, n) => label("load", MARGIN, top + (n + 0.5) * LINE, line)),
    "</svg>",
  ].join("\n");
}

/**
 * @param {Panel} panel
 * @param {Report} report
 * @param {number} top
 */
function drawPanel(panel, { summaries, load }, top) {
  const most = Math.max(...summaries.map(({ figures }) => figures[panel.figure]?.max ?? 0));
  const scale = (/** @type {number} */ value) => BAR_START + ((BAR_END - BAR_START) * value) / (most || 1);
  const words = lines(`${panel.better === "more" ? "More" : "Less"} is better. ${load}`);
  const head = TITLE + words.length * LINE;
  const svg = [
    label("title", MARGIN, top + 14, panel.title),
    ...words.map((line, n) => label("load", MARGIN, top + TITLE + (n + 0.7) * LINE, line)),
    ...sorted(summaries, panel).map((summary, n) => drawRow(summary, panel, top + head + 8 + n * ROW, scale)),
  ].join("\n");
  return { svg, height: head + 8 + summaries.length * ROW };
}

/**
 * @param {Summary} summary
 * @param {Panel} panel
 * @param {number} top
 * @param {(value: number) => number} scale
 */
function drawRow({ contender, figures }, { figure, digits }, top, scale) {
  const name = label("", LABEL_END, top + BAR - 2, contender, "end");
  const value = figures[figure];
  if (value === undefined) return name + label("failed", BAR_START, top + BAR - 2, "failed: no figure");
  const kind = contender.startsWith("tailwire") ? "ours" : "bar";
  const end = scale(value.median);
  const middle = top + BAR / 2;
  const numberAt = Math.max(end, scale(value.max)) + 8;
  return [
    name,
    `<rect class="${kind}" x="${BAR_START}" y="${top}" width="${round(end - BAR_START)}" height="${BAR}" rx="2"/>`,
    value.max > value.min
      ? `<path class="spread" d="M${round(scale(value.min))} ${middle}H${round(scale(value.max))}"/>`
      : "",
    label("", round(numberAt), top + BAR - 2, cell(value.median, digits)),
  ].join("");
}

/**
 * The best first; who failed, last.
 * @param {Summary[]} summaries
 * @param {Panel} panel
 */
function sorted(summaries, { figure, better }) {
  const worst = better === "more" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const figureOf = (/** @type {Summary} */ { figures }) => figures[figure]?.median ?? worst;
  return summaries.toSorted((a, b) => (better === "more" ? figureOf(b) - figureOf(a) : figureOf(a) - figureOf(b)) || 0);
}

/**
 * @param {string} kind its class
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {"start" | "end"} [anchor]
 */
function label(kind, x, y, text, anchor = "start") {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

/**
 * Breaks a text between words.
 * @param {string} text
 */
function lines(text) {
  const words = text.split(" ");
  let last = words.shift() ?? "";
  const all = [];
  for (const word of words) {
    if (last.length + 1 + word.length > LINE_CHARACTERS) {
      all.push(last);
      last = word;
    } else last += ` ${word}`;
  }
  return [...all, last];
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
