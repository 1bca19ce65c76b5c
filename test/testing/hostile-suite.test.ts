/** The hostile network suite with reference clients: one that does what a client must do gets through everything. */

import { describe, test, vi } from "vitest";
import { HOSTILE_NETWORKS, hostileNetworkSuite } from "../../src/testing/index.ts";
import { referenceSubject } from "./hostile/subject.ts";

vi.setConfig({ maxConcurrency: 10, testTimeout: 70_000 }); // they mostly wait

describe("a client with three transports", () => {
  for (const { name, run } of hostileNetworkSuite(referenceSubject())) test.concurrent(name, run);
});

describe("a client that only polls", () => {
  const subject = referenceSubject({ transports: ["long-poll"] });
  for (const { name, run } of hostileNetworkSuite(subject)) test.concurrent(name, run);
});

describe("a client that only streams, where streams get through at all", () => {
  const passable = HOSTILE_NETWORKS.filter(({ name }) => !/to its end|without a flush|for streams/.test(name));
  const subject = referenceSubject({ transports: ["stream"] });
  for (const { name, run } of hostileNetworkSuite(subject, passable)) test.concurrent(name, run);
});
