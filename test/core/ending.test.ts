import { describe, expect, test } from "vitest";
import { createHub, memoryStore } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

function setUp() {
  const clock = new ManualClock();
  const hub = createHub({ clock });
  const steps: unknown[] = [];
  hub.whenEnding((step) => steps.push(step));
  return { clock, hub, steps };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  return (await Promise.race([promise, Promise.resolve().then(() => pending)])) !== pending;
}

describe("a hub that drains", () => {
  test("is done at once where nothing is under way, and says each step once", async () => {
    const { clock, hub, steps } = setUp();
    const { timers } = clock;
    await hub.drain(10_000);
    await hub.drain(5);
    expect(clock.timers).toBe(timers);
    await hub.close();
    await hub.close();
    expect(steps).toEqual([{ state: "draining", drainMs: 10_000 }, { state: "closed" }]);
  });

  test("waits for what is under way, and for what comes while it waits", async () => {
    const { clock, hub } = setUp();
    const first = hub.hold();
    const drained = hub.drain(10_000);
    const second = hub.hold();
    first();
    first();
    clock.advance(9000);
    expect(await isSettled(drained)).toBe(false);
    second();
    await drained;
  });

  test("waits no longer than it is given", async () => {
    const { clock, hub } = setUp();
    hub.hold();
    const drained = hub.drain(10_000);
    clock.advance(9999);
    expect(await isSettled(drained)).toBe(false);
    clock.advance(1);
    await drained;
  });

  test("is done with the close, and a hub that has closed has nothing to drain", async () => {
    const { hub } = setUp();
    hub.hold();
    const drained = hub.drain(10_000);
    await hub.close();
    await drained;
    await hub.drain(10_000);
  });

  test("takes what is published, and refuses who subscribes", async () => {
    const { clock, hub } = setUp();
    const reader = hub.subscribe("chat");
    const before = await hub.cursor("chat");
    void hub.drain(10_000);
    expect([hub.draining, hub.closed]).toEqual([true, false]);
    await hub.publish("chat", 1);
    clock.settle();
    expect((await reader.next()).value).toMatchObject({ data: 1 }); // who was there goes on
    await expect(hub.subscribe("chat", { from: before }).next()).rejects.toMatchObject({ code: "shutting_down" });
    expect(await hub.cursor("chat")).toMatch(/:1$/);
    await hub.close();
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  test("refuses a subscription whose read was under way", async () => {
    const store = memoryStore();
    const read: typeof store.read = async (...args) => store.read(...args);
    const hub = createHub({ store: { append: store.append.bind(store), follow: store.follow.bind(store), read } });
    const reading = hub.subscribe("chat").next();
    void hub.drain(1000);
    await expect(reading).rejects.toMatchObject({ code: "shutting_down" });
  });

  test.each([-1, Number.NaN, 2 ** 31])("refuses a time that is none: %s", (drainMs) => {
    const { hub } = setUp();
    expect(() => hub.drain(drainMs)).toThrow(/drainMs is a number from 0 to/);
    expect(hub.draining).toBe(false);
  });
});

describe("a hub is ready", () => {
  test("until it drains", async () => {
    const { hub } = setUp();
    await hub.ready();
    void hub.drain(1);
    await expect(hub.ready()).rejects.toMatchObject({ code: "shutting_down" });
    await hub.close();
    await expect(hub.ready()).rejects.toMatchObject({ code: "shutting_down" });
  });

  test.each([
    ["cannot be read", () => Promise.reject(new Error("gone"))],
    ["fails at once", () => failing()],
  ])("unless its store %s", async (_, read) => {
    const hub = createHub({ store: { ...memoryStore(), read } as never });
    await expect(hub.ready()).rejects.toMatchObject({ code: "store_unavailable", message: "the store cannot be read" });
  });

  test("unless its store does not answer", async () => {
    const clock = new ManualClock();
    const read = () => new Promise(() => {});
    const ready = createHub({ clock, store: { ...memoryStore(), read } as never }).ready();
    const refused = expect(ready).rejects.toMatchObject({ code: "store_unavailable" });
    await clock.advanceAsync(2000);
    await refused;
    expect(clock.timers).toBe(0);
  });
});

function failing(): never {
  throw new Error("gone");
}
