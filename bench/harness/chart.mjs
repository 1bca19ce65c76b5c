// The chart of a run: an SVG of horizontal bars, a panel a benchmark. It carries its own background and colours for light
// and dark, and needs no font and no script, so that a README can show it as an image.

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
    title: "Published in one request: deliveries a second",
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
    title: "Long polling: deliveries a second of server CPU",
    better: "more",
  },
];

const WIDTH = 720;
const MARGIN = 20;
const LABEL_END = 176;
const BAR_START = LABEL_END + 10;
const BAR_END = 610;
const ROW = 24;
const BAR = 14;
const HEAD = 54;
const GAP = 18;

const style = `
  .page { fill: #ffffff; stroke: #d8dee4 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
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
    top += HEAD + report.summaries.length * ROW + GAP;
    return part;
  });
  const height = top + MARGIN;
  const title = `Tailwire beside its peers: ${drawn.map(({ panel }) => panel.title).join("; ")}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title><style>${style}</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...parts,
    label("load", MARGIN, height - MARGIN + 4, `${machine}; bars are medians, the thin lines least to most`),
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
  return [
    label("title", MARGIN, top + 14, `${panel.title} (${panel.better} is better)`),
    label("load", MARGIN, top + 34, shortened(load)),
    ...sorted(summaries, panel).map((summary, n) => drawRow(summary, panel, top + HEAD + n * ROW, scale)),
  ].join("\n");
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

/** @param {string} text */
function shortened(text) {
  const limit = 112;
  return text.length <= limit ? text : `${text.slice(0, text.lastIndexOf(" ", limit))} …`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
