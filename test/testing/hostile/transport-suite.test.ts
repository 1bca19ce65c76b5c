/** What a network lets through, it does not change: the transports pass their suite by way of proxies that do no harm. */

import { describe, test } from "vitest";
import { holdToEnd, inSeries, type StartServer, transparent, transportSuite } from "../../../src/testing/index.ts";
import { sseRaw } from "../drivers/endless-http.ts";
import { longPoll } from "../drivers/polling.ts";
import { websocketMessages } from "../drivers/websocket.ts";
import { serverStarter } from "../server.ts";

/** One that works on bytes, and one that works on requests, which means none of them. */
const harmless = inSeries(transparent(), holdToEnd({ only: () => false }));

const start: StartServer = async (settings) => {
  const server = await serverStarter()(settings);
  const proxy = await harmless.start(server.url);
  return {
    ...server,
    url: proxy.url,
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
};

/** They publish more than the system's buffers of one connection hold; here there are three one behind the other. */
const OF_ONE_CONNECTION = /comes too late|of several channels that stops/;

describe.each([sseRaw, longPoll, websocketMessages])("$name", (driver) => {
  const cases = transportSuite(driver, start).filter(({ name }) => !OF_ONE_CONNECTION.test(name));
  for (const { name, run } of cases) test(name, run);
});
