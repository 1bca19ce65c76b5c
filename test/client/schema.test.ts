/** Events checked by the schemas of real libraries, through the Standard Schema that they share. */

import { type } from "arktype";
import * as v from "valibot";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { connectWith, type Push } from "../../src/client/connect.ts";
import type { ReceivedEvent, StandardSchema } from "../../src/client/index.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { type Script, script } from "./scripted.ts";

interface Sale {
  readonly at: Date;
  readonly price: number;
}

const toDate = (text: string) => new Date(text);

const SALES: readonly [string, StandardSchema<Sale>][] = [
  ["zod", z.object({ at: z.iso.datetime().transform(toDate), price: z.number() })],
  ["valibot", v.object({ at: v.pipe(v.string(), v.isoTimestamp(), v.transform(toDate)), price: v.number() })],
  ["arktype", type({ at: "string.date.iso.parse", price: "number" })],
];

const WHEN = "2026-11-23T21:18:55.000Z";

/** Positive numbers; what it makes of each is known when the test says so. */
const GATED: readonly [string, (gate: (value: number) => Promise<void>) => StandardSchema<number>][] = [
  [
    "zod",
    (gate) =>
      z.number().refine(async (value) => {
        await gate(value);
        return value > 0;
      }),
  ],
  [
    "valibot",
    (gate) =>
      v.pipeAsync(
        v.number(),
        v.checkAsync(async (value) => {
          await gate(value);
          return value > 0;
        }),
      ),
  ],
];

let clock: ManualClock;
let net: Script;
let push: Push;
let errors: unknown[];

beforeEach(() => {
  clock = new ManualClock();
  errors = [];
  net = script(clock, ["sse"]);
  push = connectWith(net.transports, "http://server/push", { clock, onError: (error) => errors.push(error) });
});

async function begin(): Promise<void> {
  await clock.settleAsync();
  net.last().prove("a:0");
}

/** `a:1`, `a:2` and so on, each with its data. */
function come(...data: unknown[]): void {
  for (const [index, each] of data.entries()) net.last().event(`a:${index + 1}`, "sales", each);
}

/** The errors as far as they are said to be the events' own. */
const misfits = () => errors.map((error) => ({ ...(error as object), message: (error as Error).message }));

describe.each(SALES)("a schema of %s", (_, schema) => {
  it("gives the data as it makes it, with the rest of the event as it came", async () => {
    const got: ReceivedEvent<Sale>[] = [];
    push.subscribe("sales", (event) => got.push(event), { schema });
    await begin();
    come({ at: WHEN, price: 3 });
    expect(got).toEqual([
      { id: "a:1", channel: "sales", type: "message", time: clock.now(), data: { at: new Date(WHEN), price: 3 } },
    ]);
    expect(errors).toEqual([]);
  });

  it("keeps from the handler what does not fit, tells of it, and goes on", async () => {
    const got: number[] = [];
    push.subscribe("sales", ({ data }) => got.push(data.price), { schema });
    await begin();
    come({ at: WHEN, price: 1 }, { at: WHEN, price: "2" }, "text", { at: "one day", price: 4 }, { at: WHEN, price: 5 });
    expect(got).toEqual([1, 5]);
    expect(misfits()).toEqual(
      ["a:2", "a:3", "a:4"].map((id) => ({
        name: "TailwireError",
        code: "invalid_data",
        parameter: undefined,
        message: expect.stringMatching(`^sales ${id} .+: .+`),
      })),
    );
  });

  it("does the same for what is iterated", async () => {
    const events = push.events("sales", { schema });
    await begin();
    come({ at: WHEN, price: 1 }, { at: WHEN }, { at: WHEN, price: 3 });
    expect((await events.next()).value?.data).toEqual({ at: new Date(WHEN), price: 1 });
    expect((await events.next()).value?.data.price).toBe(3);
    expect(misfits()).toMatchObject([{ code: "invalid_data", message: expect.stringContaining("sales a:2") }]);
  });

  it("is for one subscription; another of the same channel has the data as it came", async () => {
    const got: unknown[] = [];
    push.subscribe("sales", ({ data }) => got.push(["checked", data.price]), { schema });
    push.subscribe("sales", ({ data }) => got.push(["as it came", data]));
    await begin();
    come("misfit", { at: WHEN, price: 2 });
    expect(got).toEqual([
      ["as it came", "misfit"],
      ["checked", 2],
      ["as it came", { at: WHEN, price: 2 }],
    ]);
  });
});

describe.each(GATED)("a schema of %s that takes its time", (_, schemaWith) => {
  const open = new Map<number, () => void>();
  const schema = schemaWith((value) => new Promise((resolve) => open.set(value, resolve)));
  const settle = async (value: number) => {
    open.get(value)?.();
    await clock.settleAsync();
  };

  it("keeps the order, with gaps in their place, whatever is done first", async () => {
    const got: unknown[] = [];
    push.subscribe("chat", ({ data }) => got.push(data), { schema, onGap: ({ next }) => got.push(next) });
    await begin();
    net.last().event("a:1", "chat", 1);
    net.last().event("a:2", "chat", -2);
    net.last().gap("a:2", "a:4");
    net.last().event("a:5", "chat", 5);
    net.last().event("a:6", "chat", "no number");
    net.last().event("a:7", "chat", 7);
    await clock.settleAsync();
    expect([got, errors]).toEqual([[], []]);
    await settle(1);
    expect([got, errors]).toEqual([[1], []]);
    await settle(-2);
    expect(got).toEqual([1, "a:4"]);
    await settle(5);
    await settle(7);
    expect(got).toEqual([1, "a:4", 5, 7]);
    expect(misfits()).toMatchObject([
      { code: "invalid_data", message: expect.stringContaining("chat a:2") },
      { code: "invalid_data", message: expect.stringContaining("chat a:6") },
    ]);
  });
});

describe("a schema that throws", () => {
  const broken = new Error("the schema is broken");
  const fail = (value: unknown): number => {
    if (value === "broken") throw broken;
    return Number(value);
  };

  it.each<[string, StandardSchema<number>]>([
    ["of zod", z.unknown().transform(fail)],
    ["of valibot", v.pipe(v.unknown(), v.transform(fail))],
    ["of arktype", type("unknown").pipe(fail)],
    ["of its own", { "~standard": { validate: (value) => ({ value: fail(value) }) } }],
    ["later", { "~standard": { validate: async (value) => ({ value: fail(value) }) } }],
  ])("%s is told to onError, for that event only", async (_, schema) => {
    const got: number[] = [];
    push.subscribe("sales", ({ data }) => got.push(data), { schema });
    await begin();
    come(1, "broken", 3);
    await clock.settleAsync();
    expect([got, errors]).toEqual([[1, 3], [broken]]);
  });
});
