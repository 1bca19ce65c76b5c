/** Polls that wait, all by one timer. */

import { describe, expect, it } from "vitest";
import { createHub } from "../../src/index.ts";
import { type Waiter, WaitingList } from "../../src/server/transport/waiting-list.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

function opened() {
  const clock = new ManualClock();
  const hub = createHub({ clock });
  const called: string[] = [];
  const begun = clock.now();
  /** Waits so long, and leaves its list when that is over, or else begins again. */
  const wait = (name: string, waitMs: number, leaves = true): Waiter & { list: WaitingList } => {
    const list = WaitingList.of(hub, waitMs);
    const waiter = {
      since: 0,
      list,
      waitedOut() {
        called.push(`${name} ${clock.now() - begun}`);
        if (leaves) list.delete(waiter);
      },
    };
    list.add(waiter);
    return waiter;
  };
  return { clock, hub, called, wait };
}

describe("those who wait", () => {
  it("are called when each has waited long enough, by one timer for all who wait equally long", () => {
    const { clock, called, wait } = opened();
    wait("a", 1000);
    clock.advance(300);
    wait("b", 1000);
    wait("c", 500);
    expect(clock.timers).toBe(2);
    clock.advance(2000);
    expect(called).toEqual(["c 800", "a 1000", "b 1300"]);
    expect(clock.timers).toBe(0);
  });

  it("are not called once they have left, and the last of them takes the timer along", () => {
    const { clock, called, wait } = opened();
    const a = wait("a", 1000);
    const b = wait("b", 1000);
    a.list.delete(a);
    expect(clock.timers).toBe(1);
    b.list.delete(b);
    expect(clock.timers).toBe(0);
    wait("c", 1000);
    clock.advance(5000);
    expect(called).toEqual(["c 1000"]);
  });

  it("wait from now on when they are added again, or do not leave when they are called", () => {
    const { clock, called, wait } = opened();
    const a = wait("a", 1000, false);
    wait("b", 1000);
    clock.advance(600);
    a.list.add(a);
    clock.advance(2400);
    expect(called).toEqual(["b 1000", "a 1600", "a 2600"]);
  });

  it("are called when the hub closes, and when it has", async () => {
    const { clock, hub, called, wait } = opened();
    wait("a", 1000);
    wait("b", 500);
    await hub.close();
    expect(called).toEqual(["a 0", "b 0"]);
    wait("c", 1000);
    clock.settle();
    expect(called).toEqual(["a 0", "b 0", "c 0"]);
    expect(clock.timers).toBe(0);
  });

  it("are called early, and not late, where the time is set back", () => {
    const { clock, called, wait } = opened();
    const a = wait("a", 1000);
    a.since += 3_600_000;
    clock.advance(1000);
    expect(called).toEqual(["a 1000"]);
  });

  it("are not called when they have left because of one before them", () => {
    const { clock, called, wait } = opened();
    const a = wait("a", 1000);
    const b = wait("b", 1000);
    a.waitedOut = () => {
      b.list.delete(b);
      a.list.delete(a);
    };
    clock.advance(5000);
    expect(called).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it("are called once each, though time goes on meanwhile", () => {
    const { clock, called, wait } = opened();
    const a = wait("a", 1000, false);
    wait("b", 1000);
    const now = clock.now.bind(clock);
    let asked = 0;
    clock.now = () => now() + asked++; // a millisecond each time
    clock.advance(1000);
    clock.now = now;
    expect(called.map((call) => call.split(" ")[0])).toEqual(["a", "b"]);
    a.list.delete(a);
  });
});
