/** What is appended is what is read and what followers are told, to the byte. */

import assert from "node:assert/strict";
import type { ChannelEvent, Data } from "../../core/event.ts";
import { AWKWARD_BYTES, AWKWARD_JSON, AWKWARD_TEXTS, AWKWARD_VALUES, AWKWARD_WORDS } from "../awkward.ts";
import { after, EARLIEST, type StoreCase, type Subject, toldOf, type Words } from "./subject.ts";

const MIB = 1024 * 1024;
const ROOMY = { retention: { maxBytes: 64 * MIB } };

export const DATA_CASES: readonly StoreCase[] = [
  {
    name: "text comes back as it was",
    run: (subject) =>
      assertKept(
        subject,
        AWKWARD_TEXTS.map((text) => ({ kind: "text", text })),
      ),
  },
  {
    name: "JSON comes back as it was written, not as it reads",
    run: (subject) =>
      assertKept(
        subject,
        [...AWKWARD_JSON, ...AWKWARD_VALUES.map((value) => JSON.stringify(value))].map((text) => ({
          kind: "json",
          text,
        })),
      ),
  },
  {
    name: "bytes come back as they were",
    run: (subject) =>
      assertKept(
        subject,
        AWKWARD_BYTES.map((bytes) => ({ kind: "binary", bytes })),
      ),
  },
  {
    name: "text, JSON and bytes that look the same are told apart",
    run: (subject) =>
      assertKept(subject, [
        { kind: "text", text: "{}" },
        { kind: "json", text: "{}" },
        { kind: "binary", bytes: Buffer.from("{}") },
        { kind: "text", text: "" },
        { kind: "binary", bytes: new Uint8Array(0) },
      ]),
  },
  {
    name: "types and keys come back as they were, and no key as none",
    async run(subject) {
      const words = [...AWKWARD_WORDS.map((word) => ({ type: word, key: word })), { type: "message", key: undefined }];
      await assertKept(
        subject,
        words.map((_, index) => ({ kind: "text", text: String(index) })),
        words,
      );
    },
  },
  {
    name: "big events come back as they were",
    settings: ROOMY,
    async run(subject) {
      const bytes = Uint8Array.from({ length: MIB }, (_, index) => (index * 31) % 256);
      await assertKept(subject, [
        { kind: "text", text: "ä👩‍👩‍👧\r\n".repeat(20_000) },
        { kind: "json", text: JSON.stringify({ text: '"\\\u2028'.repeat(100_000) }) },
        { kind: "binary", bytes },
        { kind: "text", text: "small" },
      ]);
    },
  },
  {
    name: "an event has the time at which it was appended, the same for all",
    needs: ["advance"],
    async run(subject) {
      const followed = await subject.follow("chat");
      await subject.append("chat", "1");
      await subject.advance(60_000);
      await subject.append("chat", "2");
      await toldOf(followed, 2);
      const { events } = await subject.read("chat", EARLIEST);
      const [first, second] = events.map(({ time }) => time);
      assert.ok(first !== undefined && second !== undefined);
      assert.ok(second - first >= 60_000 && second - first < 70_000, `${second - first} ms apart`);
      assert.deepEqual(
        followed.events.map(({ time }) => time),
        [first, second],
      );
    },
  },
  {
    name: "times are whole milliseconds that do not go back",
    async run(subject) {
      await subject.appendMany("chat", 20);
      const times = (await subject.read("chat", EARLIEST)).events.map(({ time }) => time);
      assert.ok(times.every(Number.isSafeInteger), String(times));
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
    },
  },
];

/** Appends each, and holds what a follower is told and what reads bring, in one and one by one, against it. */
async function assertKept(subject: Subject, data: readonly Data[], words: readonly Words[] = []): Promise<void> {
  const followed = await subject.follow("chat");
  for (const [index, each] of data.entries()) await subject.append("chat", each, words[index]);
  const expected = data.map((each, index) => ({
    type: words[index]?.type ?? "message",
    key: words[index]?.key,
    data: plain(each),
  }));
  await toldOf(followed, data.length);
  assert.deepEqual(followed.events.map(shown), expected);
  const { start, events } = await subject.read("chat", EARLIEST);
  assert.deepEqual(events.map(shown), expected);
  let position = start;
  for (const each of expected) {
    const { events: next } = await subject.read("chat", after(position), { maxEvents: 1 });
    assert.deepEqual(next.map(shown), [each]);
    position = next[0]?.position ?? position;
  }
}

function shown({ type, key, data }: ChannelEvent): unknown {
  return { type, key, data: plain(data) };
}

/** A Buffer is a Uint8Array too, but deepEqual tells them apart. */
function plain(data: Data): unknown {
  if (data.kind !== "binary") return { kind: data.kind, text: data.text };
  assert.ok(data.bytes instanceof Uint8Array, "bytes are a Uint8Array");
  return { kind: data.kind, hex: Buffer.from(data.bytes).toString("hex") };
}
