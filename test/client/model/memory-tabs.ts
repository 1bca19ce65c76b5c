/** Several tabs of one browser in memory: locks, the air between them, and tabs that freeze. */

import type { TabWorld } from "../../../src/client/tabs.ts";
import type { Clock } from "../../../src/core/clock.ts";

interface Held {
  readonly owner: Tab;
  readonly end: (error: unknown) => void;
}

interface Waiting {
  readonly take: () => void;
  readonly owner: Tab;
}

/** Web Locks, exclusive ones. */
class Locks {
  readonly #held = new Map<string, Held>();
  readonly #queues = new Map<string, Waiting[]>();

  request(owner: Tab, name: string, options: LockOptions, work: () => Promise<unknown>): Promise<unknown> {
    const { signal, steal = false } = options;
    return new Promise((resolve, reject) => {
      const take = () => {
        const held: Held = { owner, end: reject };
        this.#held.set(name, held);
        Promise.resolve()
          .then(work)
          .then(resolve, reject)
          .finally(() => this.#release(name, held));
      };
      if (steal) {
        this.#held.get(name)?.end(new DOMException("taken", "AbortError"));
        take();
        return;
      }
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      const waiting: Waiting = { take, owner };
      queue.push(waiting);
      signal?.addEventListener("abort", () => {
        this.#queues.set(name, this.#queues.get(name)?.filter((each) => each !== waiting) ?? []);
        reject(signal.reason);
      });
      this.#next(name);
    });
  }

  #release(name: string, held: Held): void {
    if (this.#held.get(name) !== held) return;
    this.#held.delete(name);
    this.#next(name);
  }

  #next(name: string): void {
    if (this.#held.has(name)) return;
    this.#queues.get(name)?.shift()?.take();
  }

  /** The tab has died: what it held is free, and it waits for nothing. */
  drop(owner: Tab, held: Iterable<string>): void {
    for (const [name, queue] of this.#queues)
      this.#queues.set(
        name,
        queue.filter((waiting) => waiting.owner !== owner),
      );
    for (const name of held) {
      if (this.#held.get(name)?.owner !== owner) continue; // it was taken from it
      this.#held.delete(name);
      this.#next(name);
    }
  }
}

export class Browser {
  readonly #clock: Clock;
  readonly #locks = new Locks();
  readonly tabs = new Set<Tab>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(): Tab {
    const tab: Tab = new Tab(this.#clock, this.#locks, (data) => {
      for (const other of this.tabs) if (other !== tab) other.hear(structuredClone(data));
    });
    this.tabs.add(tab);
    return tab;
  }

  kill(tab: Tab): void {
    this.tabs.delete(tab);
    tab.die();
  }
}

/** A tab: its clock, and its world. Frozen, nothing in it runs. */
export class Tab implements TabWorld {
  readonly page = new EventTarget();
  readonly clock: Clock;
  readonly locks: TabWorld["locks"];
  readonly #held = new Set<string>();
  readonly #browserLocks: Locks;
  readonly #post: (data: unknown) => void;
  #deferred: (() => void)[] = [];
  #state: "running" | "frozen" | "dead" = "running";
  #air: { onmessage: ((event: MessageEvent) => void) | null } | undefined;

  constructor(clock: Clock, locks: Locks, post: (data: unknown) => void) {
    this.#post = post;
    this.#browserLocks = locks;
    this.clock = {
      now: () => clock.now(),
      random: () => clock.random(),
      soon: (run) => clock.soon(() => this.run(run)),
      after: (ms, run) => {
        let cancelled = false;
        const cancel = clock.after(ms, () => this.run(() => cancelled || run()));
        return () => {
          cancelled = true;
          cancel();
        };
      },
    };
    const request = (name: string, ...rest: unknown[]): Promise<unknown> => {
      const work = rest.pop() as () => unknown;
      const wrapped = () =>
        new Promise((resolve, reject) => {
          this.#held.add(name);
          this.run(() => Promise.resolve(work()).then(resolve, reject));
        }).finally(() => this.#held.delete(name));
      const [options = {}] = rest as LockOptions[];
      return new Promise((resolve, reject) => {
        locks.request(this, name, options, wrapped).then(
          (value) => this.run(() => resolve(value)),
          (error) => this.run(() => reject(error)),
        );
      });
    };
    this.locks = { request } as unknown as TabWorld["locks"];
  }

  channel(): ReturnType<TabWorld["channel"]> {
    const air = {
      onmessage: null as ((event: MessageEvent) => void) | null,
      postMessage: (data: unknown) => this.#state === "dead" || this.#post(data),
      close: () => {
        this.#air = undefined;
      },
    };
    this.#air = air;
    return air as unknown as ReturnType<TabWorld["channel"]>;
  }

  visible(): boolean {
    return true;
  }

  hear(data: unknown): void {
    this.clock.soon(() => this.#air?.onmessage?.({ data } as MessageEvent));
  }

  /** Runs something of the tab, now or when it is thawed. */
  run(work: () => void): void {
    if (this.#state === "running") work();
    else if (this.#state === "frozen") this.#deferred.push(work);
  }

  /** @param told whether the page hears of it before */
  freeze(told: boolean): void {
    if (this.#state !== "running") return;
    if (told) this.page.dispatchEvent(new Event("freeze"));
    this.#state = "frozen";
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const work of deferred) this.run(work);
    this.page.dispatchEvent(new Event("resume"));
  }

  get dead(): boolean {
    return this.#state === "dead";
  }

  die(): void {
    this.#state = "dead";
    this.#browserLocks.drop(this, this.#held);
  }
}
