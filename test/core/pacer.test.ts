import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import { type Census, Pacer } from "../../src/core/pacer.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

const MUCH = 64 * 1024;

/** @param late how many times as long as they should timers take, as where there is much to do */
function setUp(census: Census, late = 1) {
  const clock = new ManualClock();
  const state = { census };
  const lateClock: Clock = {
    now: () => clock.now(),
    after: (ms, run) => clock.after(ms * late, run),
    soon: (run) => clock.soon(run),
    random: () => clock.random(),
  };
  const pacer = new Pacer(lateClock, () => state.census);
  /** How long a publisher waits now, in milliseconds, without a change of the census. */
  const waited = async () => {
    pacer.took(MUCH);
    const begun = clock.now();
    let ended: number | undefined;
    const paced = pacer.paced()?.then(() => {
      ended = clock.now();
    });
    if (paced === undefined) return 0;
    await clock.settleAsync();
    while (ended === undefined) await clock.advanceAsync(1);
    return ended - begun;
  };
  return { clock, state, pacer, waited };
}

describe("the pacer", () => {
  test("lets publishers go on while nobody is half full", async () => {
    const { waited } = setUp({ size: 10, halfFull: 0 });
    expect(await waited()).toBe(0);
  });

  test("looks only after so many bytes", () => {
    const { pacer } = setUp({ size: 1, halfFull: 1 });
    pacer.took(MUCH - 1);
    expect(pacer.paced()).toBeUndefined();
    pacer.took(1);
    expect(pacer.paced()).toBeInstanceOf(Promise);
    expect(pacer.paced()).toBeUndefined();
  });

  test("waits until nobody is half full any more", async () => {
    const { clock, state, pacer } = setUp({ size: 10, halfFull: 10 });
    pacer.took(MUCH);
    let done = false;
    const paced = pacer.paced()?.then(() => {
      done = true;
    });
    await clock.advanceAsync(50);
    expect(done).toBe(false);
    state.census = { size: 10, halfFull: 0 };
    await clock.advanceAsync(5);
    await paced;
    expect(done).toBe(true);
  });

  test("waits 100 ms at most where most are half full, each time", async () => {
    const { waited } = setUp({ size: 10, halfFull: 6 });
    for (let time = 0; time < 20; time += 1) expect(await waited()).toBe(100);
  });

  test("waits half a second in all for a few, and then a twentieth of the time", async () => {
    const { clock, waited } = setUp({ size: 1000, halfFull: 1 });
    const first = await waited();
    expect(first).toBeGreaterThanOrEqual(500);
    expect(first).toBeLessThan(540);
    let total = 0;
    for (let ms = 0; ms < 10_000; ms += 10) {
      await clock.advanceAsync(10);
      total += await waited();
    }
    expect(total).toBeGreaterThan(400);
    expect(total).toBeLessThan(600);
  });

  test("counts what it has really waited for a few", async () => {
    const { waited } = setUp({ size: 1000, halfFull: 1 }, 10);
    expect(await waited()).toBeLessThan(600);
  });
});
