/**
 * One connection for all tabs of an origin. One tab leads: it holds a lock, has the session, and passes on what comes.
 * The others follow; to what stands above, a follower is a feed like any other. When the leader's lock is free (its
 * tab was closed, or is about to be frozen), the next in line leads, from where it has seen everything; when it is
 * not free but nobody answers, it is taken.
 *
 *   follower -- the lock is free, or taken --> leader -- frozen, hidden for good, taken from it --> follower
 */

import { MAX_NAMES } from "../core/channel-name.ts";
import { type Cancel, newEpoch } from "../core/clock.ts";
import { type ErrorCode, TailwireError } from "../core/errors.ts";
import { formatPosition, type Position } from "../core/position.ts";
import type { ClientClock } from "./backoff.ts";
import type { Feed, FeedListener, State } from "./feed.ts";
import type { TransportName } from "./link.ts";
import { hasReached, type ItemMessage, positionOf } from "./places.ts";

/** What tabs tell each other. */
type Note =
  | { readonly kind: "want"; readonly tab: string; readonly channels: ReadonlyMap<string, string> }
  | { readonly kind: "lead" }
  | { readonly kind: "ask" }
  | { readonly kind: "begin"; readonly channel: string; readonly at: Position; readonly from: string | undefined }
  | { readonly kind: "item"; readonly item: ItemMessage }
  | { readonly kind: "state"; readonly state: State; readonly transport?: TransportName; readonly reason?: Reason };

/** An error, as it can be posted. */
interface Reason {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What of a browser tabs need. */
export interface TabWorld {
  readonly locks: Pick<LockManager, "request">;
  channel(name: string): Pick<BroadcastChannel, "postMessage" | "onmessage" | "close">;
  /** Where `freeze`, `resume`, `pagehide` and `pageshow` are told. */
  readonly page: Pick<EventTarget, "addEventListener" | "removeEventListener">;
  visible(): boolean;
}

export interface TabsOptions {
  readonly world: TabWorld;
  /** What the tabs that share have in common. */
  readonly name: string;
  readonly clock: ClientClock;
  readonly makeSession: (listener: FeedListener) => Feed;
}

/** A follower asks this often whether its leader is there, while somebody looks. */
const ASK_MS = 10_000;
/** A leader that has not answered after this is taken for frozen. */
const ANSWER_MS = 2000;

const PAGE_EVENTS = ["freeze", "resume", "pagehide", "pageshow"];

/** This browser, where it has what it takes. */
export function browserWorld(): TabWorld | undefined {
  if (typeof document !== "object" || typeof BroadcastChannel !== "function") return undefined;
  const { locks } = navigator;
  if (locks === undefined) return undefined; // a page that came without TLS
  return {
    locks,
    channel: (name) => new BroadcastChannel(name),
    page: window,
    visible: () => document.visibilityState === "visible",
  };
}

export function createTabs({ world, name, clock, makeSession }: TabsOptions, listener: FeedListener): Feed {
  const tab = newEpoch(clock) + newEpoch(clock);
  const air = world.channel(name);
  const others = new Map<string, ReadonlyMap<string, string>>();
  const places = new Map<string, Position>();
  let wanted: ReadonlyMap<string, string> = new Map();
  let session: Feed | undefined;
  let release: () => void = () => {};
  let queue = new AbortController();
  let state: State = "closed";
  let transport: TransportName | undefined;
  let timer: Cancel | undefined;
  let answered = true;
  let ready = false;
  let closed = false;

  const post = (note: Note) => closed || air.postMessage(note);
  const tellWanted = () => ready && session === undefined && post({ kind: "want", tab, channels: current() });

  // --- who leads

  /** Waits in line for the lock, or takes it. */
  function stand(steal = false): void {
    queue.abort();
    queue = new AbortController();
    const options: LockOptions = steal ? { steal } : { signal: queue.signal };
    world.locks
      .request(name, options, () => new Promise<void>((resolve) => lead(resolve)))
      .catch(() => {}) // taken from this tab, or no longer waited for
      .then(() => session !== undefined && !closed && rejoin());
  }

  function lead(resolve: () => void): void {
    release = resolve;
    if (closed) {
      resolve();
      return;
    }
    session = makeSession({
      begin(channel, at, from) {
        post({ kind: "begin", channel, at, from });
        begin(channel, at, from);
      },
      item(item) {
        post({ kind: "item", item });
        pass(item);
      },
      state: (_state, reason) => tellState(reason),
      error: listener.error,
    });
    post({ kind: "lead" });
    update();
  }

  /** Leads no more. */
  function retire(): void {
    const old = session;
    session = undefined;
    old?.close();
    others.clear();
    release();
    queue.abort();
  }

  function rejoin(): void {
    retire();
    stand();
    tellWanted();
  }

  // --- as leader

  function update(): void {
    const all = new Map(current());
    for (const channels of others.values()) {
      // What is too much for one connection is not had by those who came last.
      for (const [channel, from] of channels) if (!all.has(channel) && all.size < MAX_NAMES) all.set(channel, from);
    }
    session?.want(all);
  }

  function tellState(reason?: TailwireError): void {
    if (session === undefined) return;
    const { state: now, transport: over } = session;
    const posted = reason === undefined ? {} : { reason: { code: reason.code, detail: reason.message } };
    post({ kind: "state", state: now, ...(over === undefined ? {} : { transport: over }), ...posted });
    setState(now, over, reason);
  }

  function follower(other: string, channels: ReadonlyMap<string, string>): void {
    if (!others.has(other))
      void world.locks.request(`${name} ${other}`, { signal: queue.signal }, () => gone(other)).catch(() => {});
    others.set(other, channels);
    update();
    for (const channel of channels.keys()) {
      const at = session?.at(channel);
      if (at !== undefined) post({ kind: "begin", channel, at, from: undefined });
    }
    tellState();
  }

  function gone(other: string): void {
    if (others.delete(other)) update();
  }

  // --- as any tab

  /** The channels with where this tab is in them. */
  function current(): ReadonlyMap<string, string> {
    return new Map([...wanted].map(([channel, from]) => [channel, placeOf(channel) ?? from]));
  }

  function placeOf(channel: string): string | undefined {
    const at = places.get(channel);
    return at === undefined ? undefined : formatPosition(at);
  }

  function begin(channel: string, at: Position, from: string | undefined): void {
    if (!wanted.has(channel)) return;
    const known = places.get(channel);
    if (known === undefined || !hasReached(known, at)) places.set(channel, at);
    listener.begin(channel, at, from);
  }

  /** This tab leads, and has the channel for another tab already. */
  function join(channel: string): void {
    const at = session?.at(channel);
    if (at !== undefined && !places.has(channel)) begin(channel, at, undefined);
  }

  function pass(item: ItemMessage): void {
    if (!wanted.has(item.channel)) return;
    const at = places.get(item.channel);
    if (at !== undefined && hasReached(at, positionOf(item))) return;
    places.set(item.channel, positionOf(item));
    listener.item(item);
  }

  function setState(next: State, over: TransportName | undefined, reason?: TailwireError): void {
    const idle = wanted.size === 0;
    state = idle ? "closed" : next;
    transport = over;
    listener.state(state, idle ? undefined : reason);
  }

  air.onmessage = ({ data }: MessageEvent<Note>) => {
    try {
      hear(data);
    } catch {} // any page of the origin may say anything here
  };

  function hear(data: Note): void {
    if (session !== undefined) {
      if (data.kind === "want") follower(data.tab, data.channels);
      else if (data.kind === "ask") tellState();
      return;
    }
    if (data.kind === "want" || data.kind === "ask") return; // another follower's
    answered = true;
    if (data.kind === "lead") tellWanted();
    else if (data.kind === "begin") begin(data.channel, data.at, data.from);
    else if (data.kind === "item") pass(data.item);
    else setState(data.state, data.transport, data.reason && errorOf(data.reason));
  }

  /** Asks whether the leader is there. */
  function ask(): void {
    timer?.();
    timer = undefined;
    if (closed) return;
    timer = clock.after(ASK_MS, ask);
    if (session !== undefined || wanted.size === 0 || !world.visible()) return;
    answered = false;
    post({ kind: "ask" });
    timer();
    timer = clock.after(ANSWER_MS, () => {
      if (!answered && session === undefined) stand(true);
      ask();
    });
  }

  const pageTells = (event: Event) => {
    const { type } = event;
    if (type.startsWith("page") && !(event as PageTransitionEvent).persisted) return;
    if (type === "freeze" || type === "pagehide") retire();
    else rejoin();
  };
  // Captured, for those of the document do not bubble up to the window.
  for (const type of PAGE_EVENTS) world.page.addEventListener(type, pageTells, true);

  // Held as long as this tab lives: whoever leads sees by it when it is gone.
  let endTab: () => void = () => {};
  void world.locks.request(`${name} ${tab}`, () => {
    ready = true;
    tellWanted();
    return new Promise<void>((resolve) => {
      endTab = resolve;
    });
  });
  stand();
  ask();

  return {
    want(channels) {
      wanted = channels;
      for (const channel of places.keys()) if (!channels.has(channel)) places.delete(channel);
      tellWanted();
      update();
      for (const channel of channels.keys()) join(channel);
      if (session === undefined && (channels.size === 0 || state === "closed")) setState("connecting", undefined);
    },
    at: (channel) => places.get(channel),
    check(networkChanged) {
      if (session === undefined) ask();
      else session.check(networkChanged);
    },
    close() {
      if (closed) return;
      wanted = new Map();
      tellWanted();
      retire();
      closed = true;
      timer?.();
      endTab();
      air.close();
      for (const type of PAGE_EVENTS) world.page.removeEventListener(type, pageTells, true);
      setState("closed", undefined);
    },
    get state() {
      return state;
    },
    get transport() {
      return transport;
    },
    get publish() {
      return session?.publish;
    },
  };
}

function errorOf({ code, detail }: Reason): TailwireError {
  return new TailwireError(code, detail);
}
