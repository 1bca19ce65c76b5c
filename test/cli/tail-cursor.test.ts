import { describe, expect, it } from "vitest";
import { TailCursor } from "../../src/cli/tail-cursor.ts";

describe("the cursor of one channel", () => {
  it("is what the user said until the server has answered", () => {
    const cursor = new TailCursor(["chat"], "-5");
    expect(cursor.from).toBe("-5");
    cursor.opened("e:3");
    expect(cursor.from).toBe("e:3");
  });

  it("moves with events and drops those that have come before", () => {
    const cursor = new TailCursor(["chat"], "now");
    cursor.opened("e:3");
    expect(cursor.take("chat", "e:4")).toBe(true);
    expect(cursor.take("chat", "e:4")).toBe(false);
    expect(cursor.take("chat", "e:2")).toBe(false);
    expect(cursor.from).toBe("e:4");
  });

  it("does not move back with a new connection's $open", () => {
    const cursor = new TailCursor(["chat"], "now");
    cursor.opened("e:3");
    cursor.take("chat", "e:9");
    cursor.opened("e:3");
    expect(cursor.from).toBe("e:9");
  });

  it("follows a gap, also into another epoch, where offsets begin again", () => {
    const cursor = new TailCursor(["chat"], "now");
    cursor.opened("e:3");
    cursor.skip("chat", "e:30");
    expect(cursor.from).toBe("e:30");
    cursor.skip("chat", "f:0");
    expect(cursor.take("chat", "f:1")).toBe(true);
    expect(cursor.from).toBe("f:1");
  });
});

describe("the cursor of several channels", () => {
  it("names each of them", () => {
    const cursor = new TailCursor(["a", "b:c"], "earliest");
    expect(cursor.from).toBe("earliest");
    cursor.opened("a=e:1,b:c=e:2");
    cursor.take("b:c", "e:3");
    cursor.skip("a", "f:7");
    expect(cursor.from).toBe("a=f:7,b:c=e:3");
  });
});
