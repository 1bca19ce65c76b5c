import { describe, expect, it } from "vitest";
import { restartDelayMs } from "../../../src/cli/workers/restarts.ts";

describe("a worker that has ended", () => {
  it("is replaced at once where that is rare", () => {
    expect(restartDelayMs([1000], 2)).toBe(0);
    expect(restartDelayMs([1000, 1001], 2)).toBe(0);
    expect(restartDelayMs([0, 60_000, 120_000, 180_000], 2)).toBe(0);
  });

  it("is replaced later and later where workers end again and again, and in the end not at all", () => {
    const delays: (number | undefined)[] = [];
    const endedAt: number[] = [];
    for (let now = 0; delays.at(-1) !== undefined || delays.length === 0; ) {
      endedAt.push(now);
      const delay = restartDelayMs(endedAt, 2);
      delays.push(delay);
      now += (delay ?? 0) + 200;
    }
    expect(delays).toEqual([0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, undefined]);
  });
});
