/** What is held of a long answer has a limit; and what must hold whatever happens, in whichever order. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Life, start } from "./life.ts";

describe("maxResponseBytes", () => {
  it("makes the connection anew once more is held, from the last id, and the application notices nothing", () => {
    const source = start({ maxResponseBytes: 100 });
    source.answer();
    source.send("id:1\ndata:a\n\n", 100);
    expect(source.requests).toHaveLength(1);
    source.send("id:2\ndata:b\n\nid:3\ndata:half", 101);
    expect(source.requests).toHaveLength(2);
    expect(source.requests[0]?.aborted).toBe(true);
    expect(source.lastEventId()).toBe("2");
    expect(source.lifecycle.state).toBe("renewing");
    source.answer();
    source.send("id:3\ndata:c\n\n", 20);
    expect(source.fired()).toEqual(["open open", "message: a", "message: b", "message: c"]);
    expect(source.clock.timers).toBe(0);
  });

  it("is a mebibyte", () => {
    const source = start();
    source.answer();
    source.send("id:1\ndata:a\n\n", 1_048_576);
    expect(source.requests).toHaveLength(1);
    source.send("id:2\ndata:a\n\n", 1_048_577);
    expect(source.requests).toHaveLength(2);
  });

  it("waits for the end of an event, however long that is", () => {
    const source = start({ maxResponseBytes: 100 });
    source.answer();
    source.send("id:1\ndata:", 5_000);
    source.send("x".repeat(50), 5_050);
    expect(source.requests).toHaveLength(1);
    source.send("\n\n", 5_052);
    expect(source.fired()).toEqual(["open open", `message: ${"x".repeat(50)}`]);
    expect(source.requests).toHaveLength(2);
  });

  it("without ids is a connection lost: it tells, waits, and does not ask for the same again and again", () => {
    const source = start({ maxResponseBytes: 100 });
    source.answer();
    source.send("data:a\n\n", 101);
    expect(source.fired()).toEqual(["open open", "message: a", "error connecting"]);
    expect(source.requests).toHaveLength(1);
    source.clock.advance(3_000);
    expect(source.requests).toHaveLength(2);
  });

  it("with an id that does not move any more, too", () => {
    const source = start({ maxResponseBytes: 100 });
    source.answer();
    source.send("id:1\ndata:a\n\n", 101);
    source.answer();
    source.send("id:1\ndata:a\n\n", 101);
    expect(source.requests).toHaveLength(2);
    expect(source.fired().at(-1)).toBe("error connecting");
  });

  it.each([
    ["is lost", (source: Life) => source.lose(), "error connecting"],
    ["is refused", (source: Life) => source.answer(404), "error closed"],
  ])("tells when the new connection %s", (_, end, told) => {
    const source = start({ maxResponseBytes: 100 });
    source.answer();
    source.send("id:1\ndata:a\n\n", 101);
    end(source);
    expect(source.fired()).toEqual(["open open", "message: a", told]);
  });
});

describe("whatever happens", () => {
  it("every event of a log with ids comes once and in order, over one connection at a time", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 60 }),
        fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(1e9)),
        (happenings, maxResponseBytes) => {
          const source = start({ reconnectOnServerError: true, maxResponseBytes });
          const happen = serveLog(source);
          const finish = Array.from({ length: 2 * COUNT }, () => [
            { what: "wait" as const, ms: 40_000 },
            { what: "answer" as const, status: 200 },
            { what: "send" as const, chars: 1e9 },
          ]).flat();
          for (const each of [...happenings, ...finish]) {
            happen(each);
            expect(source.requests.filter(({ aborted }) => !aborted).length).toBeLessThanOrEqual(1);
          }
          const messages = source.fired().filter((each) => each.startsWith("message"));
          expect(messages).toEqual(Array.from({ length: COUNT }, (_, at) => `message: ${at + 1}`));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("after it was closed, in an event or between, nothing is dispatched or asked for", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), fc.nat(20), (happenings, closeAt) => {
        const source = start({ reconnectOnServerError: true, maxResponseBytes: 100 });
        let count = 0;
        source.onFire = () => {
          count += 1;
          if (count > closeAt) source.lifecycle.close();
        };
        const happen = serveLog(source);
        for (const each of happenings) happen(each);
        expect(count).toBeLessThanOrEqual(closeAt + 1);
        source.lifecycle.close();
        const { length } = source.requests;
        for (const each of happenings) happen(each);
        source.clock.advance(60_000);
        expect(source.requests).toHaveLength(length);
        expect(source.requests.every(({ aborted }) => aborted)).toBe(true);
        expect(source.clock.timers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

/** How many events the log has that a life is served from. */
const COUNT = 30;

type Happening =
  | { readonly what: "answer"; readonly status: number }
  | { readonly what: "send"; readonly chars: number }
  | { readonly what: "wait"; readonly ms: number }
  | { readonly what: "lose" };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ what: "answer" as const, status: 200 }) },
  { weight: 1, arbitrary: fc.constant({ what: "answer" as const, status: 503 }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant("send" as const), chars: fc.integer({ min: 1, max: 90 }) }) },
  { weight: 2, arbitrary: fc.constant({ what: "lose" as const }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 9_000 }) }) },
);

/** A server that answers from a log, after the last id, and cuts what it sends anywhere. */
function serveLog(life: Life): (each: Happening) => void {
  const answered = new Map<object, { readonly text: string; at: number }>();

  function answer(status: number): void {
    if (answered.has(life.last())) return;
    const from = Number(life.lastEventId() ?? 0);
    if (status === 200) answered.set(life.last(), { text: textAfter(from), at: 0 });
    life.answer(status);
  }

  function send(chars: number): void {
    const under = answered.get(life.last());
    if (under === undefined || under.at === under.text.length) return;
    const from = under.at;
    under.at = Math.min(from + chars, under.text.length);
    life.send(under.text.slice(from, under.at), under.at);
  }

  return (each) => {
    if (each.what === "wait") return life.clock.advance(each.ms);
    if (life.last().aborted) return;
    if (each.what === "lose") life.lose();
    else if (each.what === "answer") answer(each.status);
    else send(each.chars);
  };
}

function textAfter(id: number): string {
  return Array.from({ length: COUNT - id }, (_, at) => `id:${id + at + 1}\ndata:${id + at + 1}\n\n`).join("");
}
