// The check that a figure counts for something: each subscriber has every event, once, in one order. It can fail.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "../harness/children.mjs";
import { check, event, expecting, reading } from "./samples.mjs";

/**
 * What subscribers that read these events, one subscriber after the other, are told is wrong; and what is left.
 * @param {import("./samples.mjs").Expected} load
 * @param {...number[]} each a subscriber's sequence numbers
 */
function outcome(load, ...each) {
  const reads = each.flatMap((sequences, n) => sequences.map((sequence) => reading(n, event(sequence))));
  const answers = check([expecting({ subscribers: each.length, ...load }), ...reads, ["tell"]]);
  const { missing, each: deliveries, last } = answers.at(-1);
  return { wrong: answers.map(({ read }) => read).find((read) => read), missing, deliveries, last };
}

test("every event, once, in one order: each delivery is counted, and each event's last one", () => {
  assert.deepEqual(outcome({ events: 3 }, [0, 1, 2], [0, 1, 2]), {
    wrong: undefined,
    missing: 0,
    deliveries: 6,
    last: 3,
  });
});

test("publishers may overtake each other, but no one itself", () => {
  assert.equal(outcome({ events: 4, publishers: 2 }, [1, 0, 3, 2], [1, 0, 3, 2]).wrong, undefined);
  const { wrong } = outcome({ events: 4, publishers: 2 }, [1, 2, 0]);
  assert.equal(wrong, "event #0 came after #2 of the same publisher");
});

test("an event that is missing: the subscriber is not done, or another event is in its place", () => {
  assert.deepEqual(outcome({ events: 3 }, [0, 2]), { wrong: undefined, missing: 1, deliveries: 2, last: 2 });
  assert.equal(outcome({ events: 3 }, [0, 1, 2], [0, 2]).wrong, "event 1 is #2, others got #1");
});

test("an event that comes twice, at once or later, to the first or to another", () => {
  assert.equal(outcome({ events: 3 }, [0, 0]).wrong, "event #0 came twice");
  assert.equal(outcome({ events: 3 }, [0, 1, 0]).wrong, "event #0 came twice");
  assert.equal(outcome({ events: 3 }, [0, 1, 2], [0, 1, 1]).wrong, "event 2 is #1, others got #2");
});

test("events out of order", () => {
  assert.equal(outcome({ events: 3 }, [1, 0]).wrong, "event #0 came after #1 of the same publisher");
});

test("another order than others got, though each publisher's is kept", () => {
  const { wrong } = outcome({ events: 4, publishers: 2 }, [0, 1, 2, 3], [1, 0]);
  assert.equal(wrong, "event 0 is #1, others got #0");
});

test("an event that was never published, and one too many", () => {
  assert.equal(outcome({ events: 3 }, [0, 3]).wrong, "event 1 was never published (#3)");
  assert.equal(outcome({ events: 3 }, [0, 1, 2, 2]).wrong, "more than 3 events: #2");
});

test("channels are counted apart, and an event of another is reported", () => {
  const load = { channels: 2, subscribers: 1, events: 5 };
  // Subscriber n is of channel n % 2; the events of channel n are n, n + 2, …
  const well = [reading(0, event(0) + event(2) + event(4)), reading(1, event(1) + event(3))];
  assert.deepEqual(check([expecting(load), ...well, ["tell"]]).at(-1), { missing: 0, each: 5, last: 5 });
  assert.equal(check([expecting(load), reading(1, event(2))]).at(-1).read, "event #2 came on another channel");
});

test("percentiles are exact below 1,024, and to three digits above", () => {
  const small = [9, 1, 5, 3, 7].map((n) => n * 100);
  assert.deepEqual(check([["percentiles", ...small]]), [{ p50: 500, p99: 900, max: 900 }]);
  for (let value = 1024; value < 1e11; value *= 7) {
    const [{ p50, max }] = check([["percentiles", value]]);
    assert.ok(p50 <= value && p50 > value * (1 - 1 / 1024), `${p50} for ${value}`);
    assert.equal(max, value);
  }
  assert.deepEqual(check([["percentiles"]]), [{ p50: 0, p99: 0, max: 0 }]);
});

test("the mirror: all get the same bytes, however cut, and whoever gets others is told", () => {
  const reflect = (/** @type {number} */ n, /** @type {string} */ text) => ["reflect", n, bytes(text)];
  const begin = expecting({ subscribers: 2 });
  const text = "all the bytes";
  for (let cut = 1; cut < text.length; cut++) {
    const reads = [reflect(0, text.slice(0, cut)), reflect(1, text), reflect(0, text.slice(cut))];
    assert.deepEqual(check([begin, ...reads]).slice(1), [{ read: null }, { read: null }, { read: null }]);
  }
  const [, , ahead, behind] = check([begin, reflect(0, "all"), reflect(1, "all the"), reflect(0, " a")]);
  assert.equal(ahead.read, null);
  assert.equal(behind.read, "not the bytes that others got");
});
