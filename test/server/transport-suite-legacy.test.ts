/** The transports that are off unless they are turned on, in the scripts and pages that they really send. */

import { describe, test } from "vitest";
import { transportSuite } from "../../src/testing/index.ts";
import { DelayedStore } from "../testing/delayed-store.ts";
import { FRAME_OPTIONS } from "../testing/drivers/frame.ts";
import { iframe } from "../testing/drivers/iframe.ts";
import { iframePoll, jsonp } from "../testing/drivers/polling.ts";
import { serverStarter } from "../testing/server.ts";

describe.each([jsonp, iframe, iframePoll])("$name", (driver) => {
  const start = serverStarter(undefined, { ...FRAME_OPTIONS, maxIframeBytes: 256 * 1024 * 1024 });
  for (const { name, run } of transportSuite(driver, start)) test(name, run);
});

/** Between two pages a client is nobody whom the hub waits for, or says `$close` to. */
const BETWEEN_PAGES = [
  "gives one who keeps up every event of a burst that is longer than what is kept",
  "says $close after events in order, and after nothing that it did not send",
];

/** Sends 12 MB, which would be 12,000 pages. */
const MUCH = "a reader that has stopped holds nobody else up";

describe("iframe, in pages that are full after a few events", () => {
  const inPages = (maxIframeBytes: number) =>
    transportSuite(
      iframe,
      serverStarter((store) => new DelayedStore(store, 5), { ...FRAME_OPTIONS, maxIframeBytes }),
    );
  const left = [...BETWEEN_PAGES, MUCH];
  for (const { name, run } of inPages(1000)) if (!left.includes(name)) test(name, run);
  for (const { name, run } of inPages(20_000)) if (name === MUCH) test(name, run);
});
