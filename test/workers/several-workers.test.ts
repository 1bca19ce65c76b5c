import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChannelName, parseChannelName } from "../../src/core/channel-name.ts";
import type { ChannelEvent, EventInput } from "../../src/core/event.ts";
import { Hub } from "../../src/core/hub.ts";
import type { Appended, Read } from "../../src/core/store.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { ManualClock, MemoryConnection } from "../../src/testing/index.ts";
import { StoreServer } from "../../src/workers/store-server.ts";
import { WorkerStore } from "../../src/workers/worker-store.ts";
import { type LinkPair, linkPair } from "./link-pair.ts";

const RUNS = Number(process.env.TAILWIRE_RUNS ?? 60);
const ALL = { maxEvents: 100_000, maxBytes: 1e9 };
const CHANNELS = ["a", "b"].map(parseChannelName);
const [chat] = CHANNELS as [(typeof CHANNELS)[0]];

interface Stage {
  readonly clock: ManualClock;
  readonly memory: ReturnType<typeof memoryStore>;
  readonly workers: readonly { readonly store: WorkerStore; readonly link: LinkPair; readonly held: Held }[];
}

/** What a worker's fan-out says about pace. */
interface Held {
  until: Promise<void> | undefined;
}

function setUp({ workers = 2, delayMs = 0, capacity = Number.POSITIVE_INFINITY, seed = 1 } = {}): Stage {
  const clock = new ManualClock({ seed });
  const memory = memoryStore({ clock, retention: { maxEvents: 100_000, maxBytes: 1e9 } });
  const logs = new StoreServer(memory, clock);
  const all = Array.from({ length: workers }, () => {
    const link = linkPair({ clock, delayMs, capacity });
    const held: Held = { until: undefined };
    logs.join(link.primary);
    return { link, held, store: new WorkerStore(link.worker, { clock, paced: () => held.until }) };
  });
  return { clock, memory, workers: all };
}

type Command =
  | { readonly do: "append"; readonly worker: number; readonly channel: ChannelName; readonly key: number }
  | { readonly do: "follow" | "read"; readonly worker: number; readonly channel: ChannelName }
  | { readonly do: "unfollow"; readonly which: number }
  | { readonly do: "wait"; readonly ms: number };

/** Somebody who follows, and the read that was asked for right after. */
interface Follower {
  readonly channel: ChannelName;
  readonly events: ChannelEvent[];
  readonly read: Promise<Read>;
  unfollow: (() => void) | undefined;
}

/** Runs commands at several workers, and holds what came of them against the log. */
class Trial {
  readonly #stage: Stage;
  readonly #appends: { readonly channel: ChannelName; readonly key: string; readonly answer: Promise<Appended> }[] = [];
  readonly #followers: Follower[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async run(command: Command): Promise<void> {
    if (command.do === "wait") await this.#stage.clock.advanceAsync(command.ms);
    else if (command.do === "unfollow") this.#unfollow(command.which);
    else this.#ask(command);
  }

  #ask(command: Exclude<Command, { readonly do: "wait" | "unfollow" }>): void {
    const { channel, worker } = command;
    const { store } = this.#stage.workers[worker] as Stage["workers"][0];
    if (command.do === "append") {
      // The lower keys are used again and again, by all; the others once each.
      const key = command.key < 6 ? `${command.key}` : `once ${this.#appends.length}`;
      this.#appends.push({ channel, key, answer: store.append(channel, input(key, key)) });
    } else if (command.do === "follow") {
      const events: ChannelEvent[] = [];
      const unfollow = store.follow(channel, (event) => void events.push(event));
      this.#followers.push({ channel, events, unfollow, read: store.read(channel, { kind: "now" }, ALL) });
    } else void store.read(channel, { kind: "earliest" }, ALL);
  }

  #unfollow(which: number): void {
    const follower = this.#followers[which % Math.max(1, this.#followers.length)];
    if (follower === undefined) return;
    follower.unfollow?.();
    follower.unfollow = undefined;
  }

  async check(): Promise<void> {
    for (const channel of CHANNELS) {
      const log = await this.#log(channel);
      await this.#checkAppends(channel, log);
      for (const follower of this.#followers) if (follower.channel === channel) await checkFollower(follower, log);
    }
  }

  async #log(channel: ChannelName): Promise<readonly string[]> {
    return (await this.#stage.memory.read(channel, { kind: "earliest" }, ALL)).events.map(textOf);
  }

  async #checkAppends(channel: ChannelName, log: readonly string[]): Promise<void> {
    const firsts: string[] = [];
    for (const { key, answer } of this.#appends.filter((append) => append.channel === channel)) {
      const { position, duplicate } = await answer;
      expect(log[position.offset - 1]).toBe(key);
      if (!duplicate) firsts.push(key);
    }
    expect(firsts.sort()).toEqual([...log].sort());
  }
}

/** From its beginning to its end it was told of all, once, in order. */
async function checkFollower({ events, read, unfollow }: Follower, log: readonly string[]): Promise<void> {
  const { head } = await read;
  const first = events[0]?.position.offset ?? log.length + 1;
  const told = log.slice(first - 1, first - 1 + events.length);
  expect(events.map(({ position }) => position.offset)).toEqual(told.map((_, index) => first + index));
  expect(events.map(textOf)).toEqual(told);
  if (unfollow === undefined) return;
  expect(first).toBeLessThanOrEqual(head.offset + 1);
  expect(first - 1 + events.length).toBe(log.length);
}

describe("several workers with one log", () => {
  const channel = fc.constantFrom(...CHANNELS);
  const worker = fc.nat(2);
  const command: fc.Arbitrary<Command> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), worker, channel, key: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("follow", "read"), worker, channel }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("unfollow" as const), which: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(30) }) },
  );
  const settings = fc.record({ seed: fc.nat(), delayMs: fc.nat(20), capacity: fc.constantFrom(1, 500, 1e9) });

  it("tell every follower of every event once, in one order, and know a key wherever it was used", async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.array(command, { maxLength: 80 }), async (how, commands) => {
        const stage = setUp({ ...how, workers: 3 });
        const trial = new Trial(stage);
        for (const each of commands) await trial.run(each);
        await stage.clock.advanceAsync(1000);
        await trial.check();
      }),
      { numRuns: RUNS },
    );
  });
});

describe("publishers and the worker that has the subscribers", () => {
  it("wait while its fan-out cannot keep up, wherever they publish", async () => {
    const { clock, workers } = setUp();
    const [publisher, subscriber] = both(workers);
    subscriber.store.follow(chat, () => {});
    let letGo = (): void => {};
    subscriber.held.until = new Promise((resolve) => {
      letGo = resolve;
    });
    await settled(clock, publisher.store.append(chat, input("1")));
    const second = publisher.store.append(chat, input("2"));
    const other = publisher.store.append(parseChannelName("other"), input("x"));
    await clock.settleAsync();
    expect(await Promise.race([second, other, "waits"])).toMatchObject({ position: { offset: 1 } }); // the other's
    subscriber.held.until = undefined;
    letGo();
    expect(await settled(clock, second)).toMatchObject({ position: { offset: 2 } });
  });

  it("have no more under way than it can take, and go on as it takes", async () => {
    const { clock, workers } = setUp();
    const [publisher, subscriber] = both(workers);
    const told: string[] = [];
    subscriber.store.follow(chat, (event) => void told.push(textOf(event)));
    await clock.settleAsync();
    subscriber.link.worker.stopped = true;
    let published = 0;
    const publishing = (async () => {
      for (; published < 1000; published += 1) await publisher.store.append(chat, input("x".repeat(1000)));
    })();
    for (let turns = 0; turns < 500; turns += 1) await clock.settleAsync();
    expect(published).toBeGreaterThan(50);
    expect(subscriber.link.primary.underWayChars).toBeLessThan(80 * 1024);
    subscriber.link.worker.goOn();
    while (published < 1000) await clock.settleAsync();
    await publishing;
    await clock.settleAsync();
    expect(told).toHaveLength(1000);
  });

  it("wait no longer for one that has stopped, and when it goes on its subscribers have missed nothing", async () => {
    const { clock, workers } = setUp();
    const [publisher, subscriber] = both(workers);
    const hub = new Hub(subscriber.store, {}, clock);
    const connection = new MemoryConnection();
    const opening = Promise.resolve(hub.open([chat], new Map()));
    (await settled(clock, opening)).begin(connection);
    await clock.advanceAsync(10);
    subscriber.link.worker.stopped = true;
    const publishing = (async () => {
      for (let n = 1; n <= 500; n += 1) await publisher.store.append(chat, input(`${n} ${"x".repeat(1000)}`));
    })();
    await clock.advanceAsync(900);
    expect(await Promise.race([publishing, "waits"])).toBe("waits");
    await clock.advanceAsync(2000);
    await publishing;
    expect(subscriber.link.primary.underWayChars).toBeLessThan(80 * 1024);
    subscriber.link.worker.goOn();
    await clock.advanceAsync(100);
    expect(numbersOf(connection)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    // From now on it is waited for again.
    await settled(clock, publisher.store.append(chat, input("501")));
    await clock.advanceAsync(10);
    expect(numbersOf(connection)).toHaveLength(501);
  });

  it("wait in vain for one only: another that has nothing to say is told of all, meanwhile and after", async () => {
    const { clock, workers } = setUp({ workers: 3 });
    const [publisher, subscriber] = both(workers);
    const told: string[] = [];
    workers[2]?.store.follow(chat, (event) => void told.push(textOf(event)));
    subscriber.store.follow(chat, () => {});
    subscriber.held.until = new Promise(() => {});
    for (const text of ["1", "2", "3", "4"]) {
      await Promise.race([publisher.store.append(chat, input(text)), clock.advanceAsync(2500)]);
    }
    expect(told).toEqual(["1", "2", "3", "4"]);
  });

  it("are not held up by one that is gone", async () => {
    const { clock, workers } = setUp();
    const [publisher, subscriber] = both(workers);
    subscriber.store.follow(chat, () => {});
    subscriber.held.until = new Promise(() => {});
    await settled(clock, publisher.store.append(chat, input("1")));
    const second = publisher.store.append(chat, input("2"));
    await clock.settleAsync();
    subscriber.link.cut();
    expect(await settled(clock, second)).toMatchObject({ position: { offset: 2 } });
  });
});

describe("one that unfollows and follows again", () => {
  it("is told of nothing from before, and of all after, whatever was under way", async () => {
    const { clock, workers } = setUp();
    const [publisher, subscriber] = both(workers);
    const told: string[] = [];
    const follow = () => subscriber.store.follow(chat, (event) => void told.push(textOf(event)));
    const unfollow = follow();
    await clock.settleAsync();
    subscriber.link.worker.stopped = true;
    await settled(clock, publisher.store.append(chat, input("under way")));
    unfollow();
    await clock.settleAsync();
    await settled(clock, publisher.store.append(chat, input("between")));
    follow();
    await clock.settleAsync();
    await settled(clock, publisher.store.append(chat, input("after")));
    subscriber.link.worker.goOn();
    await clock.settleAsync();
    expect(told).toEqual(["after"]);
  });
});

describe("a link that is cut", () => {
  it("leaves the events of a worker that died either in the log, for all, or not there", async () => {
    const { clock, workers } = setUp({ delayMs: 10 });
    const [dies, lives] = both(workers);
    const told: string[] = [];
    lives.store.follow(chat, (event) => void told.push(textOf(event)));
    const appends = Array.from({ length: 20 }, async (_, n) => {
      for (let ms = 0; ms < n; ms += 1) await Promise.resolve();
      return dies.store.append(chat, input(String(n), String(n)));
    }).map((append) => append.catch((error: { code: string }) => error.code));
    await clock.advanceAsync(12);
    dies.link.cut();
    const answers = await Promise.all(appends);
    for (const answer of answers) if (typeof answer === "string") expect(answer).toBe("shutting_down");
    // Sent again through another worker, each is there once.
    for (let n = 0; n < 20; n += 1) await settled(clock, lives.store.append(chat, input(String(n), String(n))));
    await clock.advanceAsync(50);
    expect([...told].sort()).toEqual([...Array(20).keys()].map(String).sort());
  });

  it("refuses whatever is asked, and whatever is asked after that", async () => {
    const { workers } = setUp({ workers: 1 });
    const [{ store, link }] = workers as [Stage["workers"][0]];
    const asked = [store.append(chat, input("x")), store.read(chat, { kind: "now" }, ALL), store.purge(chat)];
    link.cut();
    for (const each of [...asked, store.append(chat, input("y"))]) {
      await expect(each).rejects.toMatchObject({ code: "shutting_down" });
    }
    store.follow(chat, () => {})();
    await store.close();
  });

  it("is ended by a worker that closes only when all that it asked is answered", async () => {
    const { clock, workers } = setUp({ workers: 1, delayMs: 10 });
    const [{ store }] = workers as [Stage["workers"][0]];
    const append = store.append(chat, input("x"));
    const closing = store.close();
    await clock.advanceAsync(50);
    expect(await append).toMatchObject({ position: { offset: 1 } });
    await closing;
  });
});

describe("a worker that is asked for a thousand reads at once", () => {
  it("has a few of them under way, and gets them all", async () => {
    const { clock, workers } = setUp({ workers: 1 });
    const [{ store, link }] = workers as [Stage["workers"][0]];
    const reads = Array.from({ length: 1000 }, () => store.read(chat, { kind: "earliest" }, ALL));
    await clock.settleAsync();
    expect(await Promise.all(reads)).toHaveLength(1000);
    for (const line of link.worker.sent) expect(JSON.parse(line).length).toBeLessThanOrEqual(32);
  });
});

function input(text: string, idempotencyKey?: string): EventInput {
  return { data: { kind: "text", text }, type: "message", key: undefined, idempotencyKey };
}

function textOf({ data }: ChannelEvent): string {
  return data.kind === "binary" ? "" : data.text;
}

function numbersOf({ messages }: MemoryConnection): readonly number[] {
  return messages.flatMap((message) => ("data" in message ? [Number.parseInt(String(message.data), 10)] : []));
}

function both(workers: Stage["workers"]): [Stage["workers"][0], Stage["workers"][0]] {
  return workers as [Stage["workers"][0], Stage["workers"][0]];
}

/** Moves the clock until the promise has settled. */
async function settled<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let done = false;
  const note = () => {
    done = true;
  };
  promise.then(note, note);
  for (let ms = 0; !done && ms < 1000; ms += 1) await clock.advanceAsync(1);
  return promise;
}
