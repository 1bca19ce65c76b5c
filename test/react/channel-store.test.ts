import { expect, it } from "vitest";
import { type ChannelOptions, createChannelStore } from "../../src/react/channel-store.ts";
import { afterTurn } from "../../src/react/turn.ts";
import { type Listed, listedPush } from "./listed-push.ts";

function subscribed(options: ChannelOptions & { readonly maxEvents: number } = { maxEvents: 100 }) {
  const listed = listedPush();
  const store = createChannelStore({ push: listed.push, channel: "chat", from: options.from ?? "now" });
  store.configure(options);
  let told = 0;
  const count = () => {
    told += 1;
  };
  const unsubscribe = store.subscribe(count);
  const view = () => store.view(options.maxEvents);
  return {
    listed,
    store,
    view,
    unsubscribe,
    count,
    get told() {
      return told;
    },
    get source() {
      return listed.open[0] as Listed;
    },
    ids: () => view().events.map(({ id }) => id),
  };
}

const nextTurn = () => new Promise<void>(afterTurn);

const ids = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `e:${first + index}`);

it("shows what comes, the newest last, and the same view until more comes", () => {
  const { source, view, ids: shown } = subscribed();
  expect(view()).toEqual({ events: [], last: undefined, gap: undefined, items: [] });
  expect(view()).toBe(view());
  source.event(1);
  source.event(2);
  const two = view();
  expect([shown(), two.last?.id]).toEqual([ids(1, 2), "e:2"]);
  expect(view()).toBe(two);
  source.event(3);
  expect(shown()).toEqual(ids(1, 3));
  expect(two.events).toHaveLength(2);
});

it("keeps the newest events only, whatever comes", () => {
  const { source, ids: shown, view, store } = subscribed({ maxEvents: 10 });
  for (let offset = 1; offset <= 1000; offset += 1) {
    source.event(offset);
    if (offset % 7 === 0) expect(shown()).toEqual(ids(Math.max(1, offset - 9), offset));
  }
  expect(view().last?.id).toBe("e:1000");
  expect(store.view(Number.POSITIVE_INFINITY).items.length).toBeLessThan(150);
});

it("shows fewer at once where fewer are asked for, and more from then on where more are", () => {
  const { source, store } = subscribed({ maxEvents: 5 });
  for (let offset = 1; offset <= 500; offset += 1) source.event(offset);
  expect(store.view(2).events.map(({ id }) => id)).toEqual(ids(499, 500));
  expect(store.view(0)).toEqual({ events: [], last: undefined, gap: undefined, items: [] });
  store.configure({ maxEvents: 300 });
  for (let offset = 501; offset <= 1000; offset += 1) source.event(offset);
  expect(store.view(300).events.map(({ id }) => id)).toEqual(ids(701, 1000));
});

it("shows a gap in its place for as long as the event behind it is shown", () => {
  const { source, view, ids: shown } = subscribed({ maxEvents: 3 });
  source.event(1);
  source.gap({ after: "e:1", next: "e:4", lost: 3 });
  expect(view().items.map((item) => ("lost" in item ? item.lost : item.id))).toEqual(["e:1", 3]);
  expect(view().gap).toMatchObject({ lost: 3 });
  for (const offset of [5, 6, 7]) source.event(offset);
  expect(view().items.map((item) => ("lost" in item ? item.lost : item.id))).toEqual([3, "e:5", "e:6", "e:7"]);
  expect(view().gap).toMatchObject({ lost: 3 });
  source.event(8);
  expect([view().gap, view().items, shown()]).toEqual([undefined, view().events, ids(6, 8)]);
});

it("shows gaps with nothing between them as one, so that they cannot pile up", () => {
  const { source, view } = subscribed({ maxEvents: 1 });
  source.gap({ after: "e:1", next: "e:3", lost: 2 });
  source.gap({ after: "e:3", next: "e:4", lost: 1 });
  expect(view().items).toMatchObject([{ after: "e:1", next: "e:4", lost: 3, reason: "trimmed" }]);
  source.gap({ after: "e:4", next: "f:0", lost: null, reason: "epoch" });
  source.gap({ after: "f:0", next: "f:2", lost: 2 });
  expect(view().items).toMatchObject([{ after: "e:1", next: "f:2", lost: null, reason: "epoch" }]);
});

it("tells React of the first event at once, and of all others of that turn together", async () => {
  const subject = subscribed();
  subject.source.event(1);
  expect(subject.told).toBe(1);
  for (let offset = 2; offset <= 1000; offset += 1) {
    subject.source.event(offset);
    await undefined; // as a schema that takes its time does
  }
  expect(subject.told).toBe(1);
  await nextTurn();
  expect(subject.told).toBe(2);
  expect(subject.view().last?.id).toBe("e:1000");
  await nextTurn();
  await nextTurn();
  expect(subject.told).toBe(2);
  subject.source.event(1001);
  expect(subject.told).toBe(3);
});

it("hands each event and each gap to what is configured when it comes", () => {
  const got: unknown[] = [];
  const { source, store } = subscribed();
  const configure = (name: string) =>
    store.configure({
      maxEvents: 0,
      onEvent: ({ id }) => got.push([name, id]),
      onGap: ({ lost }) => got.push([name, lost]),
    });
  configure("a");
  source.event(1);
  configure("b");
  source.gap({ lost: 7 });
  source.event(2);
  expect(got).toEqual([
    ["a", "e:1"],
    ["b", 7],
    ["b", "e:2"],
  ]);
});

it("checks by the schema that is configured when an event comes", () => {
  const { source, store, view } = subscribed();
  const schema = (validate: (value: unknown) => { value: unknown } | { issues: { message: string }[] }) => ({
    "~standard": { validate },
  });
  store.configure({ maxEvents: 10, schema: schema((value) => ({ value: `a${value}` })) });
  source.event(1);
  store.configure({ maxEvents: 10, schema: schema(() => ({ issues: [{ message: "no" }] })) });
  source.event(2);
  store.configure({ maxEvents: 10 });
  source.event(3);
  expect(view().events.map(({ data }) => data)).toEqual(["a1", 3]);
});

it("stays subscribed where it is ended and begun in the same turn", async () => {
  const { listed, store, unsubscribe, count } = subscribed();
  unsubscribe();
  const again = store.subscribe(count);
  await nextTurn();
  expect([listed.open.length, listed.begun]).toEqual([1, 1]);
  again();
  await nextTurn();
  expect([listed.open.length, listed.begun]).toEqual([0, 1]);
});

it("resumes where it was, and shows nothing that comes late of what it ended", async () => {
  const { listed, store, source, unsubscribe, ids: shown, count } = subscribed({ maxEvents: 10, from: "-50" });
  expect(source.from).toBe("-50");
  source.event(1);
  source.gap({ next: "e:3" });
  unsubscribe();
  await nextTurn();
  source.event(4);
  source.gap({ next: "e:9" });
  expect(shown()).toEqual(["e:1"]);
  store.subscribe(count);
  const [resumed] = listed.open;
  expect(resumed?.from).toBe("e:3");
  resumed?.event(4);
  expect(shown()).toEqual(["e:1", "e:4"]);
});

it.each([null, undefined])("is subscribed to nothing where its channel is %s", (channel) => {
  const { push, open } = listedPush();
  const store = createChannelStore({ push, channel, from: "now" });
  store.subscribe(() => {})();
  expect([open, store.view(10).events]).toEqual([[], []]);
});
