import { describe, expect, test } from "vitest";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import { Hub } from "../../../src/core/hub.ts";
import { diskStore } from "../../../src/store/disk/index.ts";
import { Child, type Told } from "./child.ts";
import { makeFolder, openStore } from "./folder.ts";

const chat = parseChannelName("chat");
const ALL = { maxEvents: 1e6, maxBytes: 1e9 };
const retention = { maxEvents: 1e6, maxBytes: 1e9 };

describe("several processes with one folder", () => {
  test("append and follow, and all see all events in one order", async () => {
    const folder = makeFolder();
    const count = 400;
    const children = ["x", "y", "z"].map(
      (name) => new Child({ folder, name, channels: ["chat", "news"], concurrency: 16, count, retention }),
    );
    const store = openStore(folder, { retention });
    const seen = children.map((child) => child.says(1, ({ is }) => is === "done"));
    await Promise.all(seen);
    for (const name of ["chat", "news"]) {
      const { events } = await store.read(parseChannelName(name), { kind: "earliest" }, ALL);
      expect(events.length).toBe((3 * count) / 2);
      const texts = events.map(({ data }) => (data.kind === "text" ? data.text : ""));
      for (const child of children) {
        // One that came later follows from where it came.
        const last = (told: Told) => told.is === "saw" && told.channel === name && told.text === texts.at(-1);
        await child.says(1, last);
        const saw = child.told.flatMap((told) => (told.is === "saw" && told.channel === name ? [told.text] : []));
        expect(saw).toEqual(texts.slice(-saw.length));
        const own = texts.filter((text) => text.startsWith(child.name));
        expect(saw.filter((text) => text.startsWith(child.name))).toEqual(own);
      }
    }
  });

  test("a hub in one is told of what a hub in the other publishes", async () => {
    const folder = makeFolder();
    const hubs = [1, 2].map(() => new Hub(diskStore({ path: folder })));
    const [first, second] = hubs as [Hub, Hub];
    const events = second.subscribe("chat", { from: "earliest" });
    const received: unknown[] = [];
    for (let n = 1; n <= 20; n += 1) {
      await first.publish("chat", n);
      const { value } = await events.next();
      received.push(value.data);
    }
    expect(received).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    for (const hub of hubs) await hub.close();
  });
});

describe("a folder that is opened again", () => {
  test("goes on with epochs, offsets and idempotency keys, and knows where a channel stood that holds nothing", async () => {
    const folder = makeFolder();
    const input = { data: { kind: "text", text: "x" }, type: "message", key: undefined } as const;
    const first = diskStore({ path: folder, retention: { maxEvents: 0 } });
    const old = await first.append(chat, { ...input, idempotencyKey: "once" });
    await first.close?.();

    const second = openStore(folder, { retention: { maxEvents: 0 } });
    expect((await second.read(chat, { kind: "now" }, ALL)).head).toEqual(old.position);
    expect(await second.append(chat, { ...input, idempotencyKey: "once" })).toEqual({ ...old, duplicate: true });
    const { position } = await second.append(chat, { ...input, idempotencyKey: undefined });
    expect(position).toEqual({ ...old.position, offset: 2 });
    const { gap } = await second.read(chat, { kind: "after", position: old.position }, ALL);
    expect(gap).toMatchObject({ lost: 1, reason: "trimmed" });
  });

  test("has what was appended before close settled, and takes no more", async () => {
    const folder = makeFolder();
    const input = {
      data: { kind: "text", text: "x" },
      type: "message",
      key: undefined,
      idempotencyKey: undefined,
    } as const;
    const first = diskStore({ path: folder });
    const appends = Array.from({ length: 100 }, () => first.append(chat, input));
    await first.close?.();
    expect((await Promise.all(appends)).at(-1)?.position.offset).toBe(100);
    await expect(first.append(chat, input)).rejects.toMatchObject({ code: "shutting_down" });
    expect((await openStore(folder).read(chat, { kind: "now" }, ALL)).head.offset).toBe(100);
  });
});

test("on a full disk appends are refused, nothing of them is there later, and it goes on when there is space", async () => {
  const folder = makeFolder();
  // A limit on the size of files stands in for the disk: what is over it cannot be written.
  const child = new Child({ folder, name: "x", channels: ["chat"], concurrency: 4, retention, padding: 2000 }, 2048);
  await child.says(8, ({ is }) => is === "refused");
  child.liftLimit();
  const refusedBefore = child.told.length;
  await child.says(20, (told) => told.is === "acknowledged" && child.told.indexOf(told) > refusedBefore);
  await child.kill();

  const acknowledged = child.told.flatMap((told) => (told.is === "acknowledged" ? [told.text] : []));
  const refused = child.told.flatMap((told) => (told.is === "refused" ? [told] : []));
  expect(refused[0]).toMatchObject({ code: "store_unavailable" });
  expect(refused[0]?.message).toContain("Nothing of this was stored");
  const { events, head } = await openStore(folder, { retention }).read(chat, { kind: "earliest" }, ALL);
  const texts = new Set(events.map(({ data }) => (data.kind === "text" ? data.text.trimEnd() : "")));
  expect(acknowledged.filter((text) => !texts.has(text))).toEqual([]);
  expect(refused.filter(({ text }) => texts.has(text))).toEqual([]);
  expect(events.length).toBe(head.offset);
});
