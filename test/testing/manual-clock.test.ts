import { describe, expect, test } from "vitest";
import { Hub } from "../../src/core/hub.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { ManualClock } from "../../src/testing/index.ts";

describe("a manual clock", () => {
  test("stands still until it is moved", () => {
    const clock = new ManualClock({ now: 1000 });
    expect(clock.now()).toBe(1000);
    clock.advance(250);
    expect(clock.now()).toBe(1250);
    clock.settle();
    expect(clock.now()).toBe(1250);
  });

  test("runs the timers that are due by then in order, each at its own time", () => {
    const { clock, ran, note } = noted();
    clock.after(30, note("c"));
    clock.after(10, note("a"));
    clock.after(20, note("b"));
    clock.after(41, note("not yet"));
    clock.advance(40);
    expect(ran).toEqual(["a at 10", "b at 20", "c at 30"]);
    clock.advance(1);
    expect(ran.at(-1)).toBe("not yet at 41");
  });

  test("runs timers of the same time in the order in which they were set", () => {
    const { clock, ran, note } = noted();
    for (const name of ["first", "second", "third"]) clock.after(5, note(name));
    clock.advance(5);
    expect(ran).toEqual(["first at 5", "second at 5", "third at 5"]);
  });

  test("runs timers that timers set, where they are due by then", () => {
    const { clock, ran, note } = noted();
    const tick = () => {
      note("tick")();
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.advance(35);
    expect(ran).toEqual(["tick at 10", "tick at 20", "tick at 30"]);
    expect(clock.timers).toBe(1);
  });

  test("runs no timer that was cancelled, also by another timer of the same time", () => {
    const { clock, ran, note } = noted();
    const cancel = clock.after(5, note("never"));
    cancel();
    cancel();
    clock.after(5, () => cancelSecond());
    const cancelSecond = clock.after(5, note("never"));
    clock.advance(10);
    expect([ran, clock.timers]).toEqual([[], 0]);
  });

  test("runs what is to run soon before the first timer, and after each, in order", () => {
    const { clock, ran, note } = noted();
    clock.after(10, () => {
      note("timer")();
      clock.soon(note("soon after it"));
    });
    clock.after(10, note("second timer"));
    clock.soon(() => {
      note("soon")();
      clock.soon(note("soon of soon"));
    });
    clock.soon(note("second soon"));
    expect(clock.waiting).toBe(2);
    clock.advance(10);
    expect(ran).toEqual([
      "soon at 0",
      "second soon at 0",
      "soon of soon at 0",
      "timer at 10",
      "soon after it at 10",
      "second timer at 10",
    ]);
  });

  test("runs no timer when it settles, not even one that is due at once", () => {
    const { clock, ran, note } = noted();
    clock.after(0, note("due"));
    clock.after(-5, note("overdue"));
    clock.settle();
    expect(ran).toEqual([]);
    clock.advance(0);
    expect(ran).toEqual(["due at 0", "overdue at 0"]);
  });

  test("lets what waits on promises go on between timers, when moved asynchronously", async () => {
    const { clock, ran, note } = noted();
    const step = async () => {
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      note("after the first")();
      await new Promise<void>((resolve) => void clock.soon(resolve));
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      note("after the second")();
    };
    const done = step();
    await clock.advanceAsync(100);
    expect(ran).toEqual(["after the first at 10", "after the second at 20"]);
    expect(clock.now()).toBe(100);
    await done;
  });

  test("draws the same random numbers for the same seed, spread over 0 to 1", () => {
    const draw = (seed: number) => {
      const clock = new ManualClock({ seed });
      return Array.from({ length: 1000 }, () => clock.random());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const drawn = draw(3);
    expect(drawn.every((number) => number >= 0 && number < 1)).toBe(true);
    const average = drawn.reduce((sum, number) => sum + number, 0) / drawn.length;
    expect(Math.abs(average - 0.5)).toBeLessThan(0.05);
  });

  test("stands where a callback threw, with what had not run", () => {
    const { clock, ran, note } = noted();
    clock.after(10, () => {
      throw new Error("thrown");
    });
    clock.after(20, note("later"));
    expect(() => clock.advance(100)).toThrow("thrown");
    expect([clock.now(), clock.timers]).toEqual([10, 1]);
    clock.advance(10);
    expect(ran).toEqual(["later at 20"]);
  });

  test("refuses a time that does not go on, and to be moved from inside", () => {
    const clock = new ManualClock();
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => clock.advance(ms)).toThrow(expect.objectContaining({ code: "misuse" }));
    }
    clock.soon(() => clock.advance(1));
    expect(() => clock.settle()).toThrow(expect.objectContaining({ code: "misuse" }));
    clock.settle();
  });

  test("ends a move whose callbacks call for each other without end", () => {
    const clock = new ManualClock();
    const again = () => clock.soon(again);
    again();
    expect(() => clock.settle()).toThrow(expect.objectContaining({ code: "misuse" }));
  });

  test("moves a hub: what is published goes out when it settles, and again when the window ends", async () => {
    const clock = new ManualClock();
    const hub = new Hub(memoryStore({ clock }), { flushMs: 5 }, clock);
    const events = hub.subscribe("chat");
    const taken: unknown[] = [];
    const take = async () => {
      for await (const event of events) taken.push("data" in event ? event.data : event);
    };
    const taking = take();
    await hub.publish("chat", 1);
    await clock.settleAsync();
    expect(taken).toEqual([1]);
    await hub.publish("chat", 2);
    await clock.advanceAsync(4);
    expect(taken).toEqual([1]);
    await clock.advanceAsync(1);
    expect(taken).toEqual([1, 2]);
    await hub.close();
    await taking;
  });
});

function noted() {
  const clock = new ManualClock({ now: 0 });
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name} at ${clock.now()}`);
  return { clock, ran, note };
}
