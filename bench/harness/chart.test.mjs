import assert from "node:assert/strict";
import { test } from "node:test";
import { drawChart } from "./chart.mjs";

/**
 * @param {string} contender
 * @param {[number, number, number]} [values] least, median, most
 */
function summary(contender, values) {
  const [min = 0, median = 0, max = 0] = values ?? [];
  return { contender, failed: values === undefined, figures: values ? { "deliveries/s": { min, median, max } } : {} };
}

/** @param {ReturnType<typeof summary>[]} summaries */
function fanout(summaries) {
  return {
    benchmark: "fanout",
    load: "1 < 2",
    columns: [],
    rows: [],
    goals: [],
    notes: [],
    failures: [],
    summaries,
    data: {},
  };
}

test("bars in proportion, the best first, and who failed without one", () => {
  const report = fanout([summary("ws"), summary("nchan", [50, 50, 50]), summary("tailwire-sse", [90, 100, 100])]);
  const svg = drawChart([report], "a machine") ?? "";
  const widths = Array.from(svg.matchAll(/class="(?:bar|ours)" .*?width="([\d.]+)"/g), ([, width]) => Number(width));
  assert.equal(widths.length, 2);
  assert.equal(widths[0], 2 * (widths[1] ?? 0));
  assert.ok(svg.indexOf(">tailwire-sse<") < svg.indexOf(">nchan<"));
  assert.ok(svg.indexOf(">nchan<") < svg.indexOf(">ws<"));
  assert.match(svg, />failed: no figure</);
  assert.match(svg, /1 &#60; 2/);
});

test("nothing to draw", () => {
  assert.equal(drawChart([{ ...fanout([]), benchmark: "slow" }], ""), undefined);
});

test("a long load is broken into lines, and nothing of it is lost", () => {
  const load = Array.from({ length: 40 }, (_, n) => `word${n}`).join(" ");
  const svg = drawChart([{ ...fanout([summary("ws", [1, 1, 1])]), load }], "a machine") ?? "";
  const said = Array.from(svg.matchAll(/class="load".*?>(.*?)</g), ([, line = ""]) => line);
  assert.ok(said.join(" ").startsWith(`More is better. ${load}`));
  assert.ok(said.every((line) => line.length <= 70));
});
