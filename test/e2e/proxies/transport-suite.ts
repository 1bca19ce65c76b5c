/** What real proxies let through, they do not change: the transports pass their suite behind them. */

import { describe, test } from "vitest";
import { type StartServer, transportSuite } from "../../../src/testing/index.ts";
import { sseRaw } from "../../testing/drivers/endless-http.ts";
import { longPoll } from "../../testing/drivers/polling.ts";
import { websocketMessages, websocketRaw } from "../../testing/drivers/websocket.ts";
import { serverStarter } from "../../testing/server.ts";
import { isMissing, type ProxyName, startProxy } from "./proxy.ts";

/** To a proxy all that is endless is what `sse` is, and all that is short what `long-poll` is. */
const DRIVERS = [sseRaw, longPoll, websocketMessages, websocketRaw];

/** They publish more than the system's buffers of one connection hold; here there are two, and the proxy's. */
const OF_ONE_CONNECTION = /comes too late|of several channels that stops/;
/** They move the time by hand, in fewer turns of this process than a pong takes through another. */
const PONGS = /many heartbeats of silence|after each silence|a long time without any/;
/** nginx leaves out a node that has said 503, and where all have, it says 502 itself, in HTML. */
const REFUSALS = /just connecting when the hub closes/;

/** The tests of the suite, with a proxy of its own for each. */
export function suiteBehind(name: ProxyName): void {
  const start: StartServer = async (settings) => {
    const server = await serverStarter()(settings);
    const port = Number(new URL(server.url).port);
    const ends: (() => Promise<void>)[] = [];
    const proxy = await startProxy(name, [port, port], {
      change: (config) => config.replace("/readyz", "/healthz"), // a shutdown is of the cases, not of the proxy
      atEnd: (end) => void ends.unshift(end),
    });
    return {
      ...server,
      url: `${proxy.url}/`,
      // The proxy keeps those to the node for the next request.
      connections: () => 0,
      async stop() {
        for (const end of ends) await end();
        await server.stop();
      },
    };
  };

  describe.skipIf(isMissing(name)).each(DRIVERS)(`behind real ${name}: $name`, (driver) => {
    const unfit = [OF_ONE_CONNECTION, ...(driver.pings ? [PONGS] : []), ...(name === "nginx" ? [REFUSALS] : [])];
    const cases = transportSuite(driver, start).filter((each) => !unfit.some((pattern) => pattern.test(each.name)));
    for (const { name, run } of cases) test(name, run);
  });
}
