import { describe, expect, it } from "vitest";
import { Distributor } from "../../../src/cli/workers/distributor.ts";

/** Workers by name; `given` says who was handed what, `dropped` what is not held here any more. */
function setUp(...workers: string[]) {
  const given: [worker: string, connection: string, id: number][] = [];
  const dropped: string[] = [];
  const distributor = new Distributor<string, string>((connection) => dropped.push(connection));
  const add = (worker: string) => distributor.add(worker, (id, connection) => given.push([worker, connection, id]));
  for (const worker of workers) add(worker);
  const take = (connections: string) => {
    for (const connection of connections) distributor.take(connection);
  };
  const confirmAll = () => {
    for (const [worker, , id] of given) distributor.confirm(worker, id);
  };
  const shares = () => given.map(([worker, connection]) => worker + connection).join(" ");
  return { distributor, given, dropped, add, take, confirmAll, shares };
}

describe("connections", () => {
  it("go to the workers in turn", () => {
    const { take, confirmAll, shares } = setUp("A", "B", "C");
    for (const connection of "1234567") {
      take(connection);
      confirmAll();
    }
    expect(shares()).toBe("A1 B2 C3 A4 B5 C6 A7");
  });

  it("go to the worker that has confirmed most: one that hangs gets no more than a few", () => {
    const { distributor, given, take, shares } = setUp("A", "B");
    for (const connection of "123456") {
      take(connection);
      for (const [worker, , id] of given) if (worker === "B") distributor.confirm(worker, id);
    }
    expect(shares()).toBe("A1 B2 B3 B4 B5 B6");
  });

  it("are held until the worker has confirmed them, and let go of once", () => {
    const { dropped, take, confirmAll } = setUp("A");
    take("12");
    expect(dropped).toEqual([]);
    confirmAll();
    confirmAll();
    expect(dropped).toEqual(["1", "2"]);
  });

  it("that a worker has not confirmed when it ends go to another, the others do not", () => {
    const { distributor, given, take, shares } = setUp("A", "B");
    take("1234");
    distributor.confirm("A", given[0]?.[2] ?? 0);
    distributor.remove("A");
    expect(shares()).toBe("A1 B2 A3 B4 B3");
    distributor.confirm("A", given[2]?.[2] ?? 0); // too late, and nobody's any more
    distributor.remove("A");
    expect(given).toHaveLength(5);
  });

  it("wait while there is no worker, up to a number", () => {
    const { distributor, add, take, shares, dropped, given } = setUp("A");
    distributor.remove("A");
    take("12");
    expect(shares()).toBe("");
    add("B");
    expect(shares()).toBe("B1 B2");
    distributor.remove("B");
    for (let n = 0; n < 1100; n += 1) distributor.take(`${n}`);
    expect(dropped).toHaveLength(1102 - 1024);
    add("C");
    expect(given).toHaveLength(2 + 1024);
  });

  it("that wait are dropped at the end", () => {
    const { distributor, take, dropped } = setUp();
    take("12");
    distributor.close();
    expect(dropped).toEqual(["1", "2"]);
  });
});
