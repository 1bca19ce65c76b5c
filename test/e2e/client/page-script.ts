/** What runs in the page: a recorded client, driven by the test, that tells it what comes. */

import type { ConnectOptions, Published, PublishOptions } from "../../../src/client/index.ts";
import { type Recorder, record, type Told } from "./recorder.ts";

interface PageOptions extends Pick<ConnectOptions, "transports" | "shareTabs"> {
  /** Gives `token 1` to the first connection, `token 2` to the second, … */
  readonly freshTokens?: boolean;
}

/** What the test can call; everything that goes in and out can be sent. */
export interface PageClient {
  connect(url: string, options: PageOptions): void;
  subscribe(channel: string, from?: string): void;
  unsubscribe(channel: string): void;
  /** @param data binary as `{ bytes: [1, 2, 3] }` */
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<Published>;
  close(): void;
}

const page = globalThis as unknown as {
  /** @param told in JSON: the browser's own way to the test loses some of what data may hold */
  tell(told: string): Promise<void>;
  client: PageClient;
};

let recorder: Recorder | undefined;
let waiting: Told[] = [];
let telling = false;

/** What comes while the test is being told goes to it at once, when it has been. */
function note(told: Told): void {
  waiting.push(told);
  if (!telling) void tellAll();
}

async function tellAll(): Promise<void> {
  telling = true;
  while (waiting.length > 0) {
    const told = waiting;
    waiting = [];
    await page.tell(JSON.stringify(told)).catch(() => {}); // the page is being closed
  }
  telling = false;
}

page.client = {
  connect(url, { freshTokens = false, ...options }) {
    let count = 0;
    const token = freshTokens ? { token: () => `token ${++count}` } : {};
    recorder = record(url, { ...options, ...token }, note);
  },
  subscribe: (channel, from) => recorder?.subscribe(channel, from),
  unsubscribe: (channel) => recorder?.unsubscribe(channel),
  publish(channel, data, options) {
    const { bytes } = (data ?? {}) as { bytes?: readonly number[] };
    if (recorder === undefined) throw new Error("connect first");
    return recorder.publish(channel, bytes === undefined ? data : Uint8Array.from(bytes), options);
  },
  close: () => recorder?.push.close(),
};
