/** The hostile network suite: whatever is between a client and a server, every event arrives once and in order. */

import { type Clock, systemClock } from "../../core/clock.ts";
import type { MaybePromise } from "../../core/store.ts";
import type { SuiteCase } from "../suite-case.ts";
import type { HostileNetwork } from "./network.ts";
import { HOSTILE_NETWORKS } from "./networks.ts";
import type { HostileClient, HostileReport, HostileServer, HostileSubject } from "./subject.ts";
import { Watch } from "./watch.ts";

const LIMIT_MS = 30_000;

/** As a publisher who has something to say all the time, so that faults which take their time meet the stream, too. */
const PACE = { events: 10, ms: 10 };

/** How long, and how often, a client is asked for its transport. */
const SETTLING_MS = { wait: 2000, every: 20 };

interface Part {
  readonly name: string;
  readonly part: HostileReport["part"];
  readonly events: number;
}

const PARTS: readonly Part[] = [
  { name: "an event on a quiet channel arrives", part: "first event", events: 1 },
  { name: "1,000 events arrive, each once and in order", part: "stream", events: 1000 },
];

/**
 * Two cases for each network. They share nothing, and mostly wait, so they can run side by side:
 *
 *     for (const { name, run } of hostileNetworkSuite(subject)) test.concurrent(name, run, 35_000);
 */
export function hostileNetworkSuite(
  subject: HostileSubject,
  networks: readonly HostileNetwork[] = HOSTILE_NETWORKS,
): readonly SuiteCase[] {
  return networks.flatMap((network) =>
    PARTS.map((part) => ({
      name: `a network that ${network.name}: ${part.name}`,
      run: () => runCase(subject, network, part),
    })),
  );
}

async function runCase(subject: HostileSubject, network: HostileNetwork, { part, events }: Part): Promise<void> {
  const { clock = systemClock, limitMs = LIMIT_MS, firstEventMs } = subject;
  const ends: (() => MaybePromise<unknown>)[] = [];
  try {
    const server = await subject.start();
    ends.unshift(() => server.stop());
    const proxy = await network.start(server.url, { clock });
    ends.unshift(() => proxy.close());
    const watch = new Watch(clock, limitMs, () => proxy.counts);
    ends.unshift(() => watch.end());
    const connecting = Promise.resolve(subject.connect(proxy.url, watch));
    ends.unshift(closer(connecting));
    const client = await watch.unlessFailed(connecting);
    await publishAll(server, watch, events, clock);
    if (firstEventMs !== undefined) watch.checkFirstEvent(firstEventMs);
    const { totalMs } = watch;
    subject.report?.({
      network: network.name,
      part,
      firstEventMs: watch.firstEventMs,
      totalMs,
      events,
      transport: await transportOf(client, clock),
      counts: proxy.counts,
    });
  } finally {
    for (const end of ends) await end();
  }
}

/** The last one goes alone, when all others have arrived, so that nothing which comes twice hides behind the end. */
async function publishAll(server: HostileServer, watch: Watch, events: number, clock: Clock): Promise<void> {
  for (let n = 1; n < events; n += 1) {
    await watch.unlessFailed(server.publish(n));
    if (n % PACE.events === 0) await watch.unlessFailed(pause(clock, PACE.ms));
  }
  await watch.reached(events - 1);
  await watch.unlessFailed(server.publish(events));
  await watch.reached(events);
}

/** A client may have an event before it has settled for the transport that it came over. */
async function transportOf(client: HostileClient, clock: Clock): Promise<string | undefined> {
  const { wait, every } = SETTLING_MS;
  for (let ms = 0; "transport" in client && client.transport === undefined && ms < wait; ms += every) {
    await pause(clock, every);
  }
  return client.transport;
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** Closes a client. One that is still connecting is not waited for: what it connects through is closed next. */
function closer(connecting: Promise<HostileClient>): () => MaybePromise<unknown> {
  let connected: HostileClient | undefined;
  const settled = connecting.then(
    (client) => {
      connected = client;
    },
    () => {}, // it has failed the case
  );
  return () => (connected === undefined ? void settled.then(() => connected?.close()) : connected.close());
}
