/** The hostile network suite with Tailwire's server, for clients that are not all in this process, and the table of what was measured. */

import type { HubOptions } from "../../../src/index.ts";
import {
  HOSTILE_NETWORKS,
  type HostileReport,
  type HostileServer,
  type HostileSubject,
  hostileNetworkSuite,
  type SuiteCase,
} from "../../../src/testing/index.ts";
import { PushServer } from "./push-server.ts";

/** A client, and what is told of one case. */
export type HostileClientUnderTest = Omit<HostileSubject, "start">;

/**
 * The cases of the suite, with a server of which nothing was set; but where a connection goes dark, only heartbeats tell,
 * and those of the default would take longer than the suite waits.
 * @param makeClient called for each case
 */
export function hostileCases(makeClient: () => HostileClientUnderTest): readonly SuiteCase[] {
  return HOSTILE_NETWORKS.flatMap((network) => {
    const start = () => startServer(network.name.startsWith("goes dark") ? { heartbeatMs: 1000 } : {});
    const cases = () => hostileNetworkSuite({ ...makeClient(), start }, [network]);
    return cases().map((_, index) => cases()[index] as SuiteCase);
  });
}

async function startServer(hub: HubOptions): Promise<HostileServer> {
  const ends: (() => Promise<void>)[] = [];
  const server = await PushServer.start(hub, (end) => ends.push(end));
  return {
    url: `${server.url}/push`,
    publish: (n) => server.hub.publish("chat", n),
    async stop() {
      for (const end of ends) await end();
    },
  };
}

/** The reports as text, one network a line. */
export function tableOf(title: string, reports: readonly HostileReport[]): string {
  const lines = HOSTILE_NETWORKS.map(({ name: network }) => {
    const [first, stream] = (["first event", "stream"] as const).map((part) =>
      reports.find((report) => report.network === network && report.part === part),
    );
    const seconds = (ms: number | undefined) => (ms === undefined ? "failed" : (ms / 1000).toFixed(1)).padStart(6);
    const faults = `${stream?.counts.connections ?? "-"} connections, ${stream?.counts.faults ?? "-"} faults`;
    return [
      seconds(first?.firstEventMs),
      (first?.transport ?? "").padEnd(10),
      seconds(stream?.firstEventMs),
      seconds(stream?.totalMs),
      (stream?.transport ?? "").padEnd(10),
      `${network} (${faults})`,
    ].join("  ");
  });
  const head = " first  over        first     all  over        through a network that … (the stream of 1,000 events)";
  return [`${title}, in seconds from connect():`, head, ...lines].join("\n");
}
