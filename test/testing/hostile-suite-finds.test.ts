/** A suite that lets a wrong client pass is no suite: for each case there is one that it finds. */

import { describe, expect, test, vi } from "vitest";
import {
  HOSTILE_NETWORKS,
  type HostileListener,
  type HostileNetwork,
  type HostileReport,
  type HostileSubject,
  hostileNetworkSuite,
  ManualClock,
  neverAnswer,
  resetInEvent,
  type SuiteCase,
  transparent,
} from "../../src/testing/index.ts";
import { turn } from "../../src/testing/waiting.ts";
import { referenceSubject, type SubjectOptions } from "./hostile/subject.ts";

vi.setConfig({ maxConcurrency: 20, testTimeout: 70_000 }); // they mostly wait

const [FIRST, STREAM] = [0, 1];

type Told = Pick<HostileListener, "event" | "gap" | "failed">;

describe("in a network that", () => {
  const losing = (n: number, listener: HostileListener) => n === 20 || listener.event(n);
  for (const network of HOSTILE_NETWORKS) {
    test.concurrent(`${network.name}, it finds that no event comes`, async ({ expect }) => {
      const { run } = caseOf({ limitMs: 500, between: () => {} }, network, FIRST);
      await expect(run()).rejects.toThrow("event 1 did not come");
    });

    test.concurrent(`${network.name}, it finds that an event is lost`, async ({ expect }) => {
      const { run } = caseOf({ between: losing }, network, STREAM);
      await expect(run()).rejects.toThrow("event 20 is next, and 21 came");
    });
  }
});

/** Clients that do what real ones have been seen to do, and in which networks that shows. */
const WRONG: readonly {
  readonly what: string;
  readonly options: SubjectOptions;
  readonly shows: RegExp;
  readonly parts: readonly number[];
  readonly how: RegExp;
}[] = [
  {
    what: "comes back without its position",
    options: { transports: ["stream"], wrong: "begins anew at now", limitMs: 5000 },
    shows: /^(cuts|resets|goes dark)/,
    parts: [STREAM],
    how: /is next, and \d+ came|did not come/,
  },
  {
    what: "takes an event twice when it comes back",
    options: { transports: ["stream"], wrong: "takes the last event twice" },
    shows: /^(cuts|resets|goes dark)/,
    parts: [STREAM],
    how: /is next, and \d+ came/,
  },
  {
    what: "never falls back from streams",
    options: { transports: ["stream"], limitMs: 2500 },
    shows: /400, and holds each|400, and compresses|for streams$/,
    parts: [FIRST, STREAM],
    how: /event \d+ did not come/,
  },
  {
    what: "never falls back from streams, of a server without heartbeats",
    options: { transports: ["stream"], silenceMs: 60_000, hub: { heartbeatMs: 60_000 }, limitMs: 2500 },
    shows: /holds the last write/,
    parts: [FIRST, STREAM],
    how: /event \d+ did not come/,
  },
  {
    what: "never falls back from WebSocket",
    options: { transports: ["websocket"], limitMs: 2500 },
    shows: /Upgrade|handshakes/,
    parts: [FIRST, STREAM],
    how: /event 1 did not come/,
  },
  {
    what: "waits for ever",
    options: { silenceMs: 60_000, limitMs: 2500 },
    shows: /^(never|loses)/,
    parts: [FIRST, STREAM],
    how: /event 1 did not come/,
  },
  {
    what: "waits for ever, where there was something",
    options: { silenceMs: 60_000, limitMs: 2500 },
    shows: /^goes dark/,
    parts: [STREAM],
    how: /event \d+ did not come/,
  },
  {
    what: "gives up at the first error",
    options: { wrong: "gives up" },
    shows: /^answers 502/,
    parts: [FIRST, STREAM],
    how: /given up/,
  },
  {
    what: "does not wait as long as the way is",
    options: { silenceMs: 100, wrong: "never waits longer", limitMs: 2500 },
    shows: /^delays/,
    parts: [FIRST, STREAM],
    how: /event 1 did not come/,
  },
];

const FOUND = WRONG.flatMap(({ what, options, shows, parts, how }) =>
  HOSTILE_NETWORKS.filter(({ name }) => shows.test(name)).flatMap((network) =>
    parts.map((part) => {
      const { name, run } = caseOf(options, network, part);
      return { what: `${what}, in ${name}`, run, how };
    }),
  ),
);

describe("it finds a client that", () => {
  for (const { what, run, how } of FOUND) {
    test.concurrent(what, async ({ expect }) => {
      await expect(run()).rejects.toThrow(how);
    });
  }
});

describe("the hostile network suite", () => {
  test("has two cases for each network, each with a name of its own", () => {
    const names = hostileNetworkSuite(referenceSubject()).map(({ name }) => name);
    expect(new Set(names).size).toBe(2 * HOSTILE_NETWORKS.length);
    expect(names[0]).toBe("a network that lets everything through: an event on a quiet channel arrives");
  });

  test.each([
    ["comes twice", (n: number, { event }: Told) => [n, n].map(event), "event 2 is next, and 1 came"],
    ["comes too early", (n: number, { event }: Told) => event(n + 1), "event 1 is next, and 2 came"],
    ["is a gap", (_: number, { gap }: Told) => gap("of three"), "a gap came: of three"],
    ["is an end", (_: number, { failed }: Told) => failed(new Error("enough")), "the client has given up"],
  ])("finds that an event %s", async (_, then, message) => {
    const between = (n: number, listener: HostileListener) => {
      const { event, gap, failed } = listener;
      then(n, { event: event.bind(listener), gap: gap.bind(listener), failed: failed.bind(listener) });
    };
    await expect(caseOf({ between }, transparent(), STREAM).run()).rejects.toThrow(message);
  });

  test("finds a first event that takes too long, where the subject has set how long that is", async () => {
    const slow = neverAnswer({ forMs: 200 });
    const options = { silenceMs: 300, firstEventMs: 100 };
    await expect(caseOf(options, slow, FIRST).run()).rejects.toThrow(/the first event came after \d+ ms/);
    await caseOf({ ...options, firstEventMs: 60_000 }, slow, FIRST).run();
  });

  test("reports what went by", async () => {
    const reports: HostileReport[] = [];
    const report = (each: HostileReport) => void reports.push(each);
    const network = resetInEvent(5);
    await caseOf({ report }, network, FIRST).run();
    await caseOf({ report }, network, STREAM).run();
    expect(reports).toMatchObject([
      { network: network.name, part: "first event", events: 1, transport: "websocket", counts: { connections: 1 } },
      { network: network.name, part: "stream", events: 1000 },
    ]);
    const [first, stream] = reports as [HostileReport, HostileReport];
    expect(first.totalMs).toBeGreaterThanOrEqual(first.firstEventMs);
    expect(stream.totalMs).toBeGreaterThan(stream.firstEventMs);
    expect(stream.counts.cuts).toBeGreaterThan(3);
  });

  test.each([
    [5, "websocket", 100],
    [Number.POSITIVE_INFINITY, undefined, 2000],
  ])("waits a little for a client to settle for a transport: asked %d times", async (times, transport, waitedMs) => {
    const clock = new ManualClock();
    const reports: HostileReport[] = [];
    let asked = 0;
    const client = {
      close: () => {},
      get transport() {
        asked += 1;
        return asked > times ? "websocket" : undefined;
      },
    };
    const subject: HostileSubject = {
      start: () => ({ url: "http://127.0.0.1:9", publish: () => {}, stop: () => {} }),
      connect(_, listener) {
        listener.event(1);
        return client;
      },
      clock,
      report: (each) => void reports.push(each),
    };
    const began = clock.now();
    const running = hostileNetworkSuite(subject, [transparent()])[FIRST]?.run();
    while (reports.length === 0) {
      await turn();
      if (asked > 0) await clock.advanceAsync(reports.length === 0 ? 20 : 0);
    }
    await running;
    expect(reports).toMatchObject([{ transport, totalMs: 0 }]);
    expect(clock.now() - began).toBe(waitedMs);
  });

  test("counts its limit on the subject's clock, and says how far it came", async () => {
    const clock = new ManualClock();
    let published = () => {};
    const publishing = new Promise<void>((resolve) => {
      published = resolve;
    });
    const server = { url: "http://127.0.0.1:9", publish: published, stop: () => {} };
    const subject = { start: () => server, connect: () => ({ close: () => {} }), clock, limitMs: 1000 };
    const running = expect(hostileNetworkSuite(subject, [transparent()])[FIRST]?.run()).rejects.toThrow(
      /^event 1 did not come in 1000 ms \(0 events came in 1000 ms; \{"requests":0,/,
    );
    await publishing;
    clock.advance(1000);
    await running;
    expect(clock.timers).toBe(0);
  });

  test("ends everything, whatever fails", async () => {
    const ended: string[] = [];
    const server = { url: "http://127.0.0.1:9", publish: () => {}, stop: () => void ended.push("server") };
    const failing = (error: string, rest: Partial<HostileSubject>) =>
      expect(
        hostileNetworkSuite(
          { start: () => server, connect: () => ({ close: () => void ended.push("client") }), ...rest },
          [transparent()],
        )[FIRST]?.run(),
      ).rejects.toThrow(error);
    await failing("no server", { start: () => Promise.reject(new Error("no server")) });
    await failing("http:", { start: () => ({ ...server, url: "nowhere" }) });
    await failing("no client", { connect: () => Promise.reject(new Error("no client")) });
    await failing("not published", {
      start: () => ({ ...server, publish: () => Promise.reject(new Error("not published")) }),
    });
    await failing("did not come", { connect: () => new Promise(() => {}), limitMs: 10 });
    expect(ended).toEqual(["server", "server", "client", "server", "server"]);
  });
});

/** One of the two cases of a network. */
function caseOf(options: SubjectOptions, network: HostileNetwork, part: number): SuiteCase {
  return hostileNetworkSuite(referenceSubject(options), [network])[part] as SuiteCase;
}
