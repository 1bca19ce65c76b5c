/** A program with a client, run by Node in a process of its own. Writes what it is told, one JSON a line. */

import { WebSocket } from "ws";
import type { TransportName } from "../../../src/client/index.ts";
import { record } from "./recorder.ts";

export interface ChildTask {
  readonly url: string;
  readonly transport: TransportName;
  /** After how many events it closes its client, or ends its only iteration; 0: when it is told to, by SIGTERM. */
  readonly endsAfter: number;
  readonly endsBy: "close" | "break";
}

const { url, transport, endsAfter, endsBy } = JSON.parse(process.argv[2] ?? "") as ChildTask;
const write = (told: unknown) => void process.stdout.write(`${JSON.stringify(told)}\n`);

const options = { transports: [transport], WebSocket: WebSocket as unknown as typeof globalThis.WebSocket };
const recorder = record(url, options, write);
process.on("SIGTERM", () => recorder.push.close());
if (endsBy === "break") void iterate();
else listen();

async function iterate(): Promise<void> {
  let count = 0;
  for await (const { channel, id, type, data } of recorder.push.events("chat", { from: "earliest" })) {
    write({ kind: "event", channel, id, type, data });
    count += 1;
    if (count === endsAfter) break;
  }
}

function listen(): void {
  let count = 0;
  recorder.subscribe("chat", "earliest");
  recorder.push.subscribe(
    "chat",
    () => {
      count += 1;
      if (count === endsAfter) recorder.push.close();
    },
    { from: "earliest" },
  );
}
