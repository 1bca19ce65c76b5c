/** `tailwire serve --workers 2` under load, while its workers are killed: real processes, the real client. */

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import type { ConnectOptions, TransportName } from "../../src/client/index.ts";
import { serve } from "../cli/programs.ts";
import { type NodeClient, nodeClient } from "./client/node-client.ts";
import { logOf } from "./serve.ts";

const TRANSPORTS: readonly TransportName[] = ["websocket", "sse", "stream", "long-poll", "poll"];
const ENDLESS = new Set<unknown>(["websocket", "sse", "stream"]);
const PUBLISHERS = 4;
const EACH = 125;

it("loses and doubles nothing of what it acknowledged when workers are killed, for clients on every transport", async () => {
  const { server, url } = await serve("--workers", "2", "--max-events", "100000");
  const [first = 0, second = 0] = workersOf(server.process.pid);
  const subscribers = TRANSPORTS.flatMap((transport) => [client(url, transport), client(url, transport)]);
  for (const subscriber of subscribers) subscriber.subscribe("chat", "earliest");
  await Promise.all(subscribers.map((subscriber) => subscriber.reaches("open")));

  const publishing = Array.from({ length: PUBLISHERS }, (_, index) => publish(client(url, "websocket"), index));
  const endless = subscribers.filter(({ push }) => ENDLESS.has(push.transport));
  await endless[0]?.count(100);
  const before = endless.map(reconnects);
  process.kill(first, "SIGKILL");
  await endless[0]?.count(250);
  const cut = endless.filter((subscriber, index) => reconnects(subscriber) > (before[index] ?? 0)).length;
  expect([cut > 0, cut < endless.length]).toEqual([true, true]); // both workers had some
  process.kill(second, "SIGKILL");

  const acknowledged = (await Promise.all(publishing)).flat();
  await Promise.all(subscribers.map((subscriber) => subscriber.count(PUBLISHERS * EACH)));
  const log = (await logOf(url, "chat")).map(({ id, data }) => `${id} ${data}`);
  expect([...log].sort()).toEqual([...acknowledged].sort());
  for (const subscriber of subscribers) {
    expect(subscriber.events().map(({ id, data }) => `${id} ${data}`)).toEqual(log);
    expect(subscriber.of("gap")).toEqual([]);
  }
  const { code, stderr } = await server.kill("SIGTERM");
  expect([code, stderr.match(/another takes its place/g)?.length]).toEqual([0, 2]);
});

function client(url: string, transport: TransportName): NodeClient {
  const options: ConnectOptions = { WebSocket: WebSocket as unknown as typeof globalThis.WebSocket };
  return nodeClient(url, { ...options, transports: [transport] });
}

/** Publishes one event after the other; gives those that were acknowledged, which is all of them. */
async function publish({ publish }: NodeClient, publisher: number): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  for (let n = 0; n < EACH; n += 1) {
    const { id } = await publish("chat", `${publisher}.${n}`);
    acknowledged.push(`${id} ${publisher}.${n}`);
  }
  return acknowledged;
}

/** How often a client was not connected any more. */
function reconnects(subscriber: NodeClient): number {
  return subscriber.of("state").filter(({ state }) => state === "waiting" || state === "connecting").length;
}

function workersOf(pid: number | undefined): readonly number[] {
  return execFileSync("pgrep", ["-P", String(pid)])
    .toString()
    .trim()
    .split("\n")
    .map(Number);
}
