/** A process that appends to a disk store and follows it, and says what was acknowledged and what it saw. */

import { writeSync } from "node:fs";
import { parseChannelName } from "../../../src/core/channel-name.ts";
import type { Retention } from "../../../src/core/log.ts";
import { diskStore } from "../../../src/store/disk/index.ts";

export interface ChildTask {
  readonly folder: string;
  /** Its events are `name-1`, `name-2` …; their idempotency keys are the same. */
  readonly name: string;
  readonly channels: readonly string[];
  readonly concurrency: number;
  /** How many events it appends; endless where it says nothing. */
  readonly count?: number;
  readonly retention: Partial<Retention>;
  /** What follows each event's name in its data. */
  readonly padding?: number;
}

/** What it says, a line each. */
export type Told =
  | { readonly is: "following" }
  | { readonly is: "acknowledged" | "saw"; readonly channel: string; readonly id: string; readonly text: string }
  | { readonly is: "refused"; readonly code: string; readonly message: string; readonly text: string }
  | { readonly is: "done" };

const task = JSON.parse(process.argv[2] ?? "") as ChildTask;
const store = diskStore({ path: task.folder, retention: task.retention });
const channels = task.channels.map(parseChannelName);

/** At once: what is said is said before it can be killed. */
function say(told: Told): void {
  writeSync(1, `${JSON.stringify(told)}\n`);
}

for (const channel of channels) {
  store.follow(channel, ({ position, data }) => {
    const text = data.kind === "text" ? data.text.trimEnd() : "";
    say({ is: "saw", channel, id: `${position.epoch}:${position.offset}`, text });
  });
}
say({ is: "following" });

let appended = 0;
let ending = false;
// Also when the process that started this one is gone.
process.stdin.resume().on("end", () => {
  ending = true;
  void store.close?.();
});
await Promise.all(Array.from({ length: task.concurrency }, appendOn));
say({ is: "done" });

async function appendOn(): Promise<void> {
  while (!ending && appended < (task.count ?? Number.POSITIVE_INFINITY)) {
    const channel = channels[appended % channels.length] ?? parseChannelName("chat");
    appended += 1;
    await append(channel, `${task.name}-${appended}`);
  }
}

async function append(channel: ReturnType<typeof parseChannelName>, text: string): Promise<void> {
  const data = { kind: "text", text: text.padEnd(task.padding ?? 0) } as const;
  try {
    const { position } = await store.append(channel, { data, type: "message", key: undefined, idempotencyKey: text });
    say({ is: "acknowledged", channel, id: `${position.epoch}:${position.offset}`, text });
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    say({ is: "refused", code, message, text });
    // It publishes on for as long as the store is away, but not as fast as it is refused.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
