import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import { type ChannelEvent, eventBytes } from "../../../src/core/event.ts";
import { MAX_NUMBER } from "../../../src/store/disk/keys.ts";
import {
  type ChannelRecord,
  decodeEvent,
  decodeHead,
  decodeKnownKey,
  decodeNames,
  decodePurged,
  decodeRecord,
  decodeState,
  encodeEvent,
  encodeKnownKey,
  encodeNames,
  encodePurged,
  encodeRecord,
  encodeState,
} from "../../../src/store/disk/values.ts";

const number = fc.integer({ min: 0, max: MAX_NUMBER });
const bytes = fc.maxSafeNat();
const epoch = fc.stringMatching(/^[A-Za-z0-9]{1,32}$/);
const name = fc.stringMatching(/^[A-Za-z0-9_.:@~-]{1,128}$/).map(parseChannelName);
const position = fc.record({ epoch, offset: number });
/** Any UTF-16, halves of pairs too. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);
const event: fc.Arbitrary<ChannelEvent> = fc.record({
  channel: name,
  position,
  type: fc.oneof(fc.constant("message"), text),
  key: fc.option(text, { nil: undefined }),
  time: number,
  data: fc.oneof(
    fc.record({ kind: fc.constantFrom("json" as const, "text" as const), text }),
    fc.record({ kind: fc.constant("binary" as const), bytes: fc.uint8Array() }),
  ),
});
const record: fc.Arbitrary<ChannelRecord> = fc.record({
  channel: number,
  log: number,
  epoch,
  newest: number,
  trimmed: number,
  newestBytes: bytes,
  trimmedBytes: bytes,
  newestTime: number,
  agedAt: number,
  restingSince: number,
});

describe("the values of the disk store come back as they were:", () => {
  it("events, with the bytes of the log up to them", () => {
    fc.assert(
      fc.property(event, fc.nat(), (each, before) => {
        const value = encodeEvent(each, before);
        expect(decodeHead(value)).toEqual({ time: each.time, bytes: before + eventBytes(each) });
        const decoded = decodeEvent(value, each.channel, each.position);
        value.fill(0); // LMDB uses it again
        expect(decoded).toEqual(each);
      }),
    );
  });

  it.each([
    ["channels", held(record, encodeRecord, decodeRecord)],
    ["the state", held(fc.record({ commits: number, nextNumber: number, epoch }), encodeState, decodeState)],
    ["the channels of a commit", held(fc.array(name, { minLength: 1 }), encodeNames, decodeNames)],
    ["idempotency keys", held(fc.record({ position, time: number }), encodeKnownKey, decodeKnownKey)],
    ["purged logs", held(fc.record({ trimmed: number, newest: number }), encodePurged, decodePurged)],
  ])("%s", (_, holds) => holds());
});

function held<T>(values: fc.Arbitrary<T>, encode: (value: T) => Buffer, decode: (value: Buffer) => unknown) {
  const property = fc.property(values, (value) => {
    expect(decode(encode(value))).toEqual(value);
  });
  return () => fc.assert(property);
}
