import { describe, expect, test } from "vitest";
import { Flusher } from "../../src/core/flusher.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

function setUp() {
  const clock = new ManualClock();
  const flusher = new Flusher(clock, 5);
  const flushes: string[] = [];
  const channel = (name: string) => ({
    flushedAt: Number.NEGATIVE_INFINITY,
    flush: () => void flushes.push(`${name}@${clock.now() - start}`),
  });
  const start = clock.now();
  return { clock, flusher, flushes, channel };
}

describe("the flusher", () => {
  test("flushes a quiet channel without waiting for a window", () => {
    const { clock, flusher, flushes, channel } = setUp();
    flusher.mark(channel("a"));
    clock.settle();
    expect(flushes).toEqual(["a@0"]);
  });

  test("flushes once for all the marks of a turn", () => {
    const { clock, flusher, flushes, channel } = setUp();
    const a = channel("a");
    for (let mark = 0; mark < 100; mark += 1) flusher.mark(a);
    clock.settle();
    expect(flushes).toEqual(["a@0"]);
  });

  test("flushes a busy channel once a window", () => {
    const { clock, flusher, flushes, channel } = setUp();
    const a = channel("a");
    for (let ms = 0; ms < 20; ms += 1) {
      flusher.mark(a);
      clock.settle();
      clock.advance(1);
    }
    expect(flushes).toEqual(["a@0", "a@6", "a@11", "a@16"]);
  });

  test("does not make a quiet channel wait for a busy one", () => {
    const { clock, flusher, flushes, channel } = setUp();
    const busy = channel("busy");
    flusher.mark(busy);
    clock.settle();
    flusher.mark(busy);
    flusher.mark(channel("quiet"));
    clock.settle();
    expect(flushes).toEqual(["busy@0", "quiet@0"]);
    clock.advance(5);
    expect(flushes).toEqual(["busy@0", "quiet@0", "busy@5"]);
  });

  test("leaves no timer behind", () => {
    const { clock, flusher, channel } = setUp();
    const a = channel("a");
    flusher.mark(a);
    clock.settle();
    flusher.mark(a);
    flusher.flushAll();
    clock.advance(100);
    expect(clock.timers).toBe(0);
  });
});
