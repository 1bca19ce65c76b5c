import { describe, expect, test } from "vitest";
import { Generations } from "../../src/store/generations.ts";

describe("generations", () => {
  test("keep at least the newest half and never more than all", () => {
    const map = new Generations<number, string>(10);
    let forgot = 0;
    for (let key = 0; key < 1000; key += 1) {
      if (map.set(key, `v${key}`)) forgot += 1;
      expect(map.size).toBeLessThanOrEqual(10);
      for (let newest = Math.max(0, key - 4); newest <= key; newest += 1) expect(map.get(newest)).toBe(`v${newest}`);
    }
    expect(forgot).toBe(199);
    expect(map.get(900)).toBeUndefined();
  });

  test("give the newest value of a key, also across generations", () => {
    const map = new Generations<string, number>(10);
    map.set("a", 1);
    map.age();
    map.set("a", 2);
    expect(map.get("a")).toBe(2);
    map.delete("a");
    expect(map.get("a")).toBeUndefined();
  });

  test("say whether ageing forgot anything", () => {
    const map = new Generations<string, number>(10);
    map.set("a", 1);
    expect([map.age(), map.age(), map.age()]).toEqual([false, true, false]);
  });
});
