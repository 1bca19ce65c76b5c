/** Tailwire's server with a reference client, as a subject of the hostile network suite. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { attach, createHub, type HubOptions } from "../../../src/index.ts";
import type { HostileListener, HostileServer, HostileSubject } from "../../../src/testing/index.ts";
import { connectReference, type ReferenceOptions } from "./reference-client.ts";

export interface SubjectOptions extends ReferenceOptions, Pick<HostileSubject, "limitMs" | "firstEventMs" | "report"> {
  readonly hub?: HubOptions;
  /** What becomes of an event between the client and its application. */
  readonly between?: (n: number, listener: HostileListener) => void;
}

export function referenceSubject(options: SubjectOptions = {}): HostileSubject {
  const { hub = { heartbeatMs: 200 }, between, ...rest } = options;
  return {
    limitMs: 60_000, // on a machine that is busy with other things
    ...rest,
    start: () => startServer(hub),
    connect(url, listener) {
      const event = (n: number) => (between === undefined ? listener.event(n) : between(n, listener));
      const told = { event, gap: listener.gap.bind(listener), failed: listener.failed.bind(listener) };
      return connectReference(url, told, options);
    },
  };
}

async function startServer(options: HubOptions): Promise<HostileServer> {
  const hub = createHub(options);
  const server = createServer();
  attach(server, hub);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    publish: (n) => hub.publish("chat", n),
    async stop() {
      await hub.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
