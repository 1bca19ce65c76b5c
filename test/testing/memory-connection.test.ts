import { describe, expect, test } from "vitest";
import { parseChannelName } from "../../src/core/channel-name.ts";
import { Hub } from "../../src/core/hub.ts";
import { NOBODY } from "../../src/server/connection.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { ManualClock, MemoryConnection } from "../../src/testing/index.ts";

const TEN = new Uint8Array(10);

describe("a memory connection", () => {
  test("keeps the frames that were written to it", () => {
    const connection = new MemoryConnection();
    expect(connection.write(TEN)).toBe(true);
    expect(connection.write(Uint8Array.of(1))).toBe(true);
    expect(connection.frames).toEqual([TEN, Uint8Array.of(1)]);
    expect(connection.undrainedBytes).toBe(11);
  });

  test("is full past its capacity, takes frames even so, and says once that it was drained", () => {
    const connection = new MemoryConnection({ capacityBytes: 20 });
    const { told } = ownerOf(connection);
    expect([1, 2, 3, 4].map(() => connection.write(TEN))).toEqual([true, true, false, false]);
    expect(connection.frames).toHaveLength(4);
    connection.drain();
    connection.drain();
    expect(told).toEqual(["drained"]);
    expect(connection.write(TEN)).toBe(true);
  });

  test("that was not full says nothing when it is drained", () => {
    const connection = new MemoryConnection({ capacityBytes: 20 });
    const { told } = ownerOf(connection);
    connection.write(TEN);
    connection.drain();
    expect([told, connection.undrainedBytes]).toEqual([[], 0]);
  });

  test("is closed once it is cut, says so once, and takes no more", () => {
    const connection = new MemoryConnection({ capacityBytes: 1 });
    const { told } = ownerOf(connection);
    connection.write(TEN);
    connection.cut();
    connection.cut();
    connection.drain();
    expect([told, connection.closed, connection.write(TEN)]).toEqual([["closed"], true, false]);
    expect(connection.frames).toHaveLength(1);
  });

  test("says $close when it is closed, and remembers why", () => {
    const connection = new MemoryConnection();
    const { told } = ownerOf(connection);
    connection.close(1012, "restart");
    expect(connection.messages).toEqual([{ type: "$close", code: 1012, reason: "restart", reconnectMs: 0 }]);
    expect([connection.closes, told]).toEqual([[{ code: 1012, reason: "restart" }], ["closed"]]);
  });

  test("closes with 1011 when the log could not be read, and remembers what went wrong", () => {
    const connection = new MemoryConnection();
    const error = new Error("no disk");
    connection.fail(error);
    expect([connection.failures, connection.closes[0]?.code]).toEqual([[error], 1011]);
  });

  test("notes when it was written to and when its peer was checked", () => {
    const clock = new ManualClock({ now: 5 });
    const connection = new MemoryConnection({ clock });
    clock.advance(10);
    connection.write(TEN);
    connection.checkPeer(15);
    expect([connection.wroteAt, connection.checks]).toEqual([15, [15]]);
  });

  test("stands at the end of a subscription: it lags when full, and is caught up when drained", async () => {
    const clock = new ManualClock();
    const hub = new Hub(memoryStore({ clock, retention: { maxEvents: 3 } }), { flushMs: 0 }, clock);
    const chat = parseChannelName("chat");
    const connection = new MemoryConnection({ capacityBytes: 100 });
    const subscription = await hub.open([chat], new Map());
    connection.owner = subscription;
    subscription.begin(connection);
    for (let n = 1; n <= 6; n += 1) {
      await hub.publish("chat", n);
      clock.settle();
    }
    expect(connection.messages.map(({ type }) => type)).toEqual(["message", "message"]);
    connection.drain();
    expect(connection.messages.slice(2)).toMatchObject([
      { type: "$gap", lost: 1 },
      { data: 4 },
      { data: 5 },
      { data: 6 },
    ]);
    connection.cut();
    expect(subscription.state).toBe("closed");
  });
});

test("a connection has nobody to tell until it has an owner", () => {
  const connection = new MemoryConnection({ capacityBytes: 0 });
  expect(connection.owner).toBe(NOBODY);
  connection.write(TEN);
  connection.drain();
  connection.cut();
});

function ownerOf(connection: MemoryConnection) {
  const told: string[] = [];
  connection.owner = { drained: () => void told.push("drained"), close: () => void told.push("closed") };
  return { told };
}
