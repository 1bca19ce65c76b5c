// Events are found in whatever a server sends, however it is cut; and what is damaged is not taken for one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { check, chunk, EVENT_BYTES, event, expecting, frame, reading, sseChunk } from "./samples.mjs";

/** One of three events each, with what servers put between and around them. */
const streams = {
  "SSE in chunks": `${chunk(": hi\n\n")}${sseChunk(0)}${chunk(": #0\n\n")}${sseChunk(1, 2)}`,
  "WebSocket frames": `${frame(event(0))}\x89\x00${frame(event(1))}${frame(event(2))}`,
  "WebSocket frames of JSON, longer than 125 bytes": [0, 1, 2]
    .map((n) => frame(`{"id":"x7f3k2:${n}","color":"#000","data":"${event(n)}"}`))
    .join(""),
  "several events a frame": frame([0, 1, 2].map(event).join("\n")),
};

for (const [name, stream] of Object.entries(streams)) {
  test(`${name}: found whole, and cut at every byte`, () => {
    const cuts = Array.from({ length: stream.length }, (_, n) => [stream.slice(0, n), stream.slice(n)]);
    assertAllRead(cuts, 3);
  });

  test(`${name}: found when every byte comes alone`, () => {
    assertAllRead([[...stream]], 3);
  });
}

test("an event with the boundary of HTTP chunks at any byte of it, whole and in single bytes", () => {
  const halves = Array.from({ length: EVENT_BYTES + 1 }, (_, n) => [event(0).slice(0, n), event(0).slice(n)]);
  const texts = halves.map(([left = "", right = ""]) => chunk(left || "\n") + chunk(right || "\n"));
  assertAllRead(
    texts.flatMap((text) => [[text], [...text]]),
    1,
  );
});

test("an event in a chunk for each byte of it", () => {
  const text = [...event(0)].map(chunk).join("");
  assertAllRead([[text.slice(0, 200), text.slice(200)]], 1);
});

test("a damaged event is reported: its filler changed, or a byte more or less of it", () => {
  const damaged = [
    `${event(0).slice(0, -1)}y`,
    `${event(0).slice(0, 50)}${event(0).slice(51)}\n\n`,
    `${event(0).slice(0, 40)} ${event(0).slice(40)}`,
  ];
  for (const text of damaged) {
    const [, read] = check([expecting({}), reading(0, text)]);
    assert.equal(read.read, "a damaged event");
  }
});

test("one byte of one event wrong, for the first or the second of two subscribers: never all there and all well", () => {
  const changed = Array.from({ length: EVENT_BYTES }, (_, n) => {
    const other = event(0)[n] === "7" ? "8" : "7";
    return event(0).slice(0, n) + other + event(0).slice(n + 1);
  });
  for (const order of [
    (/** @type {string} */ text) => [text, event(0)],
    (/** @type {string} */ text) => [event(0), text],
  ]) {
    const answers = check(
      changed.flatMap((text) => {
        const [first = "", second = ""] = order(text);
        return [expecting({ subscribers: 2 }), reading(0, first), reading(1, second), ["tell"]];
      }),
    );
    for (let n = 0; n < answers.length; n += 4) {
      const [, first, second, { missing }] = answers.slice(n, n + 4);
      assert.ok(first.read !== null || second.read !== null || missing > 0, `byte ${n / 4}`);
    }
  }
});

test("a command longer than a pipe holds", () => {
  const stream = Array.from({ length: 5000 }, (_, n) => sseChunk(n)).join("");
  const [, read, told] = check([expecting({ events: 5000 }), reading(0, stream), ["tell"]]);
  assert.equal(read.read, null);
  assert.equal(told.missing, 0);
});

/**
 * @param {string[][]} ways the reads that a subscriber takes the same stream in
 * @param {number} events that are in it
 */
function assertAllRead(ways, events) {
  const commands = ways.map((reads) => [
    expecting({ events }),
    ...reads.filter((text) => text !== "").map((text) => reading(0, text)),
    ["tell"],
  ]);
  const answers = check(commands.flat());
  const wrong = answers.filter(({ read, missing }) => typeof read === "string" || missing > 0);
  assert.deepEqual(wrong, []);
  assert.equal(answers.filter(({ each }) => each === events).length, ways.length);
}
