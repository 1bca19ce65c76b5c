/** The client in Node through every network of the hostile network suite. */

import { afterAll, test, vi } from "vitest";
import { WebSocket } from "ws";
import { connect } from "../../src/client/index.ts";
import type { HostileReport } from "../../src/testing/index.ts";
import { type HostileClientUnderTest, hostileCases, tableOf } from "../e2e/client/hostile-subject.ts";

vi.setConfig({ maxConcurrency: 12 }); // they mostly wait

const LIMIT_MS = 30_000;
const reports: HostileReport[] = [];

const client: HostileClientUnderTest = {
  limitMs: LIMIT_MS,
  report: (report) => void reports.push(report),
  async connect(url, listener) {
    const push = connect(url, {
      WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
      onGap: (gap) => listener.gap(JSON.stringify(gap)),
      onError() {}, // what gets in the way is told by what does not come
    });
    push.subscribe<number>("chat", ({ data }) => listener.event(data));
    await new Promise<void>((resolve) => {
      push.on("state", (state, reason) => {
        if (state === "open") resolve();
        else if (state === "closed") listener.failed(reason);
      });
    });
    return push;
  },
};

// biome-ignore lint/suspicious/noConsole: what was measured is for people to read
afterAll(() => console.log(tableOf("The client in Node", reports)));

for (const { name, run } of hostileCases(() => client)) test.concurrent(name, run, LIMIT_MS + 5000);
