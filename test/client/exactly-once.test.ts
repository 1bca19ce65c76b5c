/**
 * Whatever happens to transports, links, logs and tabs, each subscription is given the log from where it began, once
 * and in order; what is missing is in gaps, and was really gone.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { connectWith, type Push } from "../../src/client/connect.ts";
import type { Link, Transport, TransportName } from "../../src/client/link.ts";
import { createTabs } from "../../src/client/tabs.ts";
import type { ReceivedEvent, ReceivedGap } from "../../src/core/event.ts";
import { formatPosition, type Position, parsePosition } from "../../src/core/position.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { MemoryServer, type Weather } from "./model/memory-server.ts";
import { Browser, type Tab } from "./model/memory-tabs.ts";

const NAMES: readonly TransportName[] = ["websocket", "sse", "long-poll", "poll"];
const CHANNELS = ["a", "b"];

type Step =
  | { readonly do: "publish"; readonly channel: string; readonly count: number }
  | { readonly do: "trim"; readonly channel: string; readonly keep: number }
  | { readonly do: "purge"; readonly channel: string }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "weather"; readonly name: TransportName; readonly weather: Weather }
  | { readonly do: "cut" }
  | { readonly do: "restart"; readonly reconnectMs: number }
  | { readonly do: "subscribe"; readonly tab: number; readonly channel: string; readonly from: string }
  | { readonly do: "unsubscribe"; readonly index: number }
  | { readonly do: "freeze" | "hang" | "thaw" | "kill"; readonly tab: number };

const channel = fc.constantFrom(...CHANNELS);
const tab = fc.integer({ min: 0, max: 2 });
const from = fc.constantFrom("now", "earliest", "-1", "-3", "-100", "head");
const weather = fc.constantFrom<Weather>("fine", "refused", "silent", "held", "dead");
const times = fc.constantFrom(0, 1, 10, 50, 300, 1000, 3000, 20_000, 70_000);
const does = <T extends string>(...names: T[]) => fc.constantFrom(...names);

const common: fc.WeightedArbitrary<Step>[] = [
  { weight: 9, arbitrary: fc.record({ do: does("publish"), channel, count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: does("trim"), channel, keep: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: does("purge"), channel }) },
  { weight: 12, arbitrary: fc.record({ do: does("advance"), ms: times }) },
  { weight: 4, arbitrary: fc.record({ do: does("weather"), name: fc.constantFrom(...NAMES), weather }) },
  { weight: 3, arbitrary: fc.record({ do: does("cut") }) },
  { weight: 1, arbitrary: fc.record({ do: does("restart"), reconnectMs: fc.constantFrom(0, 100, 5000) }) },
  { weight: 4, arbitrary: fc.record({ do: does("subscribe"), tab, channel, from }) },
  { weight: 2, arbitrary: fc.record({ do: does("unsubscribe"), index: fc.nat(20) }) },
];
const tabSteps: fc.WeightedArbitrary<Step> = {
  weight: 4,
  arbitrary: fc.record({ do: does("freeze", "hang", "thaw", "kill"), tab }),
};

const NUM_RUNS = Number(process.env.TAILWIRE_RUNS ?? 400);

/** Long enough for any backoff, any silence, any lock that has to be taken. */
const HEAL_MS = 5 * 60_000;

describe("exactly once, in order", () => {
  test("one client", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...common), { maxLength: 40 }), fc.nat(), (steps, seed) =>
        new Run(seed, false).play(steps),
      ),
      { numRuns: NUM_RUNS },
    );
  });

  test("tabs that share", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...common, tabSteps), { maxLength: 40 }), fc.nat(), (steps, seed) =>
        new Run(seed, true).play(steps),
      ),
      { numRuns: NUM_RUNS },
    );
  });
});

interface Subscription {
  readonly tab: Tab;
  /** Whether its client was in the channel before, and perhaps behind its head. */
  readonly joined: boolean;
  readonly channel: string;
  readonly from: string;
  readonly head: Position;
  readonly seen: (ReceivedEvent | ReceivedGap)[];
  stop: (() => void) | undefined;
}

interface Client {
  readonly tab: Tab;
  readonly push: Push;
  readonly subscriptions: Subscription[];
}

class Run {
  readonly #clock: ManualClock;
  readonly #server: MemoryServer;
  readonly #transports: readonly Transport[];
  readonly #browser: Browser;
  readonly #shared: boolean;
  readonly #clients: Client[] = [];
  readonly #all: Subscription[] = [];
  readonly #errors: unknown[] = [];
  /** By epoch, the newest offset that was ever trimmed; purged epochs are gone whole. */
  readonly #gone = new Map<string, number>();

  constructor(seed: number, shared: boolean) {
    this.#clock = new ManualClock({ seed });
    this.#server = new MemoryServer(this.#clock);
    this.#browser = new Browser(this.#clock);
    this.#shared = shared;
    this.#transports = [
      this.#server.endless("websocket", 20, true),
      this.#server.endless("sse", 30, false),
      this.#server.polling("long-poll", 25, 0),
      this.#server.polling("poll", 15, 2000),
    ];
    for (let index = 0; index < (shared ? 3 : 1); index++) this.#clients.push(this.#open());
  }

  #open(): Client {
    const tab = this.#browser.open();
    const transports = this.#transports.map((transport) => inTab(tab, transport));
    const options = { clock: tab.clock, onError: (error: unknown) => this.#errors.push(error) };
    const push = connectWith(transports, "http://memory/", options, (_base, clock, makeSession) =>
      this.#shared ? (listener) => createTabs({ world: tab, name: "test", clock, makeSession }, listener) : undefined,
    );
    return { tab, push, subscriptions: [] };
  }

  async play(steps: readonly Step[]): Promise<void> {
    await this.#clock.settleAsync();
    for (const step of steps) {
      await this.#do(step);
      await this.#clock.settleAsync();
    }
    await this.#heal();
    // A better transport may just be being tried.
    if (this.#links().length > 1) await this.#clock.advanceAsync(20_000);
    this.#check();
    for (const { push } of this.#clients) push.close();
    await this.#clock.advanceAsync(1000);
    expect(this.#server.links.size, "no link is left").toBe(0);
    expect(this.#server.waiting.size, "no poll is left").toBe(0);
    if (!this.#shared) expect(this.#clock.timers, "no timer is left").toBe(0);
    expect(this.#errors).toEqual([]);
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case "publish":
        for (let count = step.count; count > 0; count--) this.#server.publish(step.channel);
        return;
      case "trim": {
        this.#server.trim(step.channel, step.keep);
        const { epoch, trimmed } = this.#server.log(step.channel);
        this.#gone.set(epoch, trimmed);
        return;
      }
      case "purge":
        this.#gone.set(this.#server.log(step.channel).epoch, Number.POSITIVE_INFINITY);
        return this.#server.purge(step.channel);
      case "advance":
        return this.#clock.advanceAsync(step.ms);
      case "weather":
        this.#server.weather.set(step.name, step.weather);
        return;
      case "cut":
        return this.#server.cut();
      case "restart":
        return this.#server.close(step.reconnectMs);
      case "subscribe":
        return this.#subscribe(step.tab % this.#clients.length, step.channel, step.from);
      case "unsubscribe": {
        const [subscription] = this.#all.splice(step.index % Math.max(1, this.#all.length), 1);
        subscription?.tab.run(() => subscription.stop?.());
        return;
      }
      default:
        this.#tabStep(step.do, step.tab % this.#clients.length);
    }
  }

  #tabStep(what: "freeze" | "hang" | "thaw" | "kill", index: number): void {
    const client = this.#clients[index] as Client;
    if (what === "thaw") client.tab.thaw();
    else if (what === "kill") {
      // What it had is judged as it was: no more will come.
      for (const subscription of client.subscriptions) subscription.stop = undefined;
      for (const link of linksOf.get(client.tab) ?? []) link.close();
      this.#browser.kill(client.tab);
      this.#clients[index] = this.#open();
    } else client.tab.freeze(what === "freeze");
  }

  #subscribe(index: number, name: string, asked: string): void {
    const { push, subscriptions, tab } = this.#clients[index] as Client;
    const head = this.#server.head(name);
    const subscription: Subscription = {
      tab,
      joined: this.#shared || subscriptions.some((each) => each.channel === name),
      channel: name,
      from: asked === "head" ? formatPosition(head) : asked,
      head,
      seen: [],
      stop: undefined,
    };
    this.#all.push(subscription);
    subscriptions.push(subscription);
    tab.run(() => {
      subscription.stop = push.subscribe(name, (event) => subscription.seen.push(event), {
        from: subscription.from,
        onGap: (gap) => subscription.seen.push(gap),
      });
    });
  }

  async #heal(): Promise<void> {
    this.#server.weather.clear();
    for (const { tab } of this.#clients) tab.thaw();
    await this.#clock.advanceAsync(HEAL_MS);
    for (const name of CHANNELS) this.#server.publish(name);
    await this.#clock.advanceAsync(10_000);
  }

  #check(): void {
    for (const subscription of this.#all) this.#checkOne(subscription);
    const wanted = this.#all.some(({ stop }) => stop !== undefined);
    expect(this.#links().length, `links of all tabs: ${this.#links()}`).toBeLessThanOrEqual(wanted ? 1 : 0);
  }

  #links(): readonly string[] {
    return [...[...this.#server.links].map(({ name }) => name), ...[...this.#server.waiting].map(() => "long-poll")];
  }

  #checkOne(subscription: Subscription): void {
    const { channel: name, seen, stop, from: asked } = subscription;
    let at: Position | undefined;
    for (const item of seen) {
      const before = at;
      if (isGap(item)) {
        at = parsePosition(item.next) as Position;
        const after = parsePosition(item.after) as Position;
        if (before !== undefined) expect(item.after).toBe(formatPosition(before));
        if (item.reason === "epoch") expect(this.#gone.get(after.epoch)).toBe(Number.POSITIVE_INFINITY);
        else expect(this.#gone.get(at.epoch), "it is really gone").toBeGreaterThanOrEqual(at.offset);
      } else {
        at = parsePosition(item.id) as Position;
        expect(item.data).toBe(at.offset);
        if (before === undefined) this.#checkFirst(at, subscription);
        else expect(formatPosition(at)).toBe(`${before.epoch}:${before.offset + 1}`);
      }
    }
    if (stop !== undefined) expect(at, `${name} from ${asked} has come to the end`).toEqual(this.#server.head(name));
  }

  /** The first event of a subscription is not before what it asked for. */
  #checkFirst(first: Position, { from: asked, head, joined }: Subscription): void {
    if (first.epoch !== head.epoch) return;
    const last = /^-(\d+)$/.exec(asked);
    if (asked === "now" && !joined) expect(first.offset).toBeGreaterThan(head.offset);
    else if (last !== null && !joined) expect(first.offset).toBeGreaterThan(head.offset - Number(last[1]));
    else if (asked.includes(":")) expect(first.offset).toBe(head.offset + 1);
  }
}

/** What each tab has opened: its sockets end with it. */
const linksOf = new WeakMap<Tab, Link[]>();

/** What a tab has opened does nothing while the tab is frozen. */
function inTab(tab: Tab, transport: Transport): Transport {
  return {
    ...transport,
    open(request, listener) {
      if (tab.dead) return { close() {} };
      const link = transport.open(request, {
        heard: () => tab.run(() => listener.heard()),
        message: (message) => tab.run(() => listener.message(message)),
        ended: (error) => tab.run(() => listener.ended(error)),
      });
      linksOf.set(tab, [...(linksOf.get(tab) ?? []), link]);
      const { change } = link;
      return change === undefined
        ? link
        : { close: () => link.close(), change: (op, settle) => change(op, (answer) => tab.run(() => settle(answer))) };
    },
  };
}

function isGap(item: ReceivedEvent | ReceivedGap): item is ReceivedGap {
  return item.type === "$gap";
}
