import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent, Data, EventInput, Gap } from "../../src/core/event.ts";
import type { Read } from "../../src/core/store.ts";
import { packEvent, packInput, packRead, unpackEvent, unpackInput, unpackRead } from "../../src/workers/messages.ts";

function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** Any UTF-16 at all, lone surrogates included: a program may publish such a text. */
const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const data: fc.Arbitrary<Data> = fc.oneof(
  record({ kind: fc.constantFrom("json" as const, "text" as const), text }),
  record({ kind: fc.constant("binary" as const), bytes: fc.uint8Array() }),
);
const word = fc.option(text, { nil: undefined });
const input: fc.Arbitrary<EventInput> = record({ data, type: text, key: word, idempotencyKey: word });
const position = record({ epoch: text, offset: fc.maxSafeNat() });
const channel = fc.constant("chat" as ChannelName);
const event: fc.Arbitrary<ChannelEvent> = record({
  channel,
  position,
  type: text,
  key: word,
  time: fc.maxSafeNat(),
  data,
});
const gap: fc.Arbitrary<Gap> = record({
  channel,
  after: position,
  next: position,
  lost: fc.option(fc.nat()),
  reason: fc.constantFrom("trimmed" as const, "epoch" as const),
});
const read: fc.Arbitrary<Read> = record({
  start: position,
  gap: fc.option(gap, { nil: undefined }),
  events: fc.array(event),
  head: position,
});

describe("what goes over the link between primary and workers comes out as it went in", () => {
  it("an input", () => fc.assert(fc.property(input, (value) => same(value, unpackInput(carry(packInput(value)))))));
  it("an event", () => fc.assert(fc.property(event, (value) => same(value, unpackEvent(carry(packEvent(value)))))));
  it("a read", () => fc.assert(fc.property(read, (value) => same(value, unpackRead(carry(packRead(value)))))));

  it("binary data are bytes of their own, not a view of a larger buffer", () => {
    const made: Data = { kind: "binary", bytes: new Uint8Array([1, 2, 3]) };
    const { data: came } = unpackInput(packInput({ data: made, type: "x", key: undefined, idempotencyKey: undefined }));
    expect(came.kind === "binary" && came.bytes.buffer.byteLength).toBe(3);
  });
});

function carry<T>(packed: T): T {
  const json = JSON.stringify(packed);
  expect(json).not.toContain("\n");
  return JSON.parse(json) as T;
}

function same(value: unknown, came: unknown): void {
  expect(came).toStrictEqual(value);
}
