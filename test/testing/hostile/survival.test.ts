/** Whatever either side does, and when, a network lives on, and lets go of everything in the end. */

import { describe, expect, test } from "vitest";
import { cutAfterMs, delay, HOSTILE_NETWORKS, holdToEnd, inSeries, transparent } from "../../../src/testing/index.ts";
import { seededRandom } from "../../../src/testing/random.ts";
import { turn } from "../../../src/testing/waiting.ts";
import type { RawConnection } from "../../e2e/raw-connection.ts";
import { between, crlf, ending, GET, HANDSHAKE, SWITCHED } from "./stage.ts";

type Deed = (connection: RawConnection) => unknown;

const say = (text: string) => (connection: RawConnection) => connection.send(text);
const end: Deed = (connection) => connection.end();
const reset: Deed = (connection) => connection.reset();
const HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKS = `${HEAD}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n`;
const LONG = "x".repeat(100_000);

const CLIENT: readonly Deed[] = [
  ...[GET, GET.repeat(3), GET.slice(0, 9), HANDSHAKE, `${HANDSHAKE}early`, "nonsense\r\n\r\n", "\0\0", LONG].map(say),
  say(crlf("POST / HTTP/1.1\nHost: test\nContent-Length: 10")),
  say(crlf("POST / HTTP/1.1\nHost: test\nTransfer-Encoding: chunked\nExpect: 100-continue")),
  say("5\r\nhello\r\n"),
  say(crlf("GET / HTTP/1.1\nHost: test\nAccept-Encoding: gzip\nConnection: close")),
  say(crlf("CONNECT test:1 HTTP/1.1\nHost: test:1")),
  end,
  reset,
];
const SERVER: readonly Deed[] = [
  ...[CHUNKS, `${HEAD}Content-Length: 2\r\n\r\nhi`, `${HEAD}\r\nto the end`, HEAD, SWITCHED, "\x81\x05hello"].map(say),
  ...["9\r\ndata: 2\n\n\r\n", "0\r\n\r\n", "nonsense\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", LONG].map(say),
  say("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
  end,
  reset,
];

const NETWORKS = [
  ...HOSTILE_NETWORKS,
  cutAfterMs(50, { ending: "reset", since: "connection" }),
  delay("to-client", 50, { only: ({ method }) => method === "GET", maxHeldBytes: 0 }),
  holdToEnd({ maxHeldBytes: 20 }),
  inSeries(transparent(), holdToEnd({ only: () => false })),
];

describe.each([1, 2])("with deeds of seed %i", (seed) => {
  test.each(NETWORKS)("a network that $name", async (network) => {
    const random = seededRandom(seed);
    const net = await between(network);
    const servers: RawConnection[] = [];
    serve();
    for (let round = 0; round < 30; round += 1) {
      const client = await net.client();
      for (let deed = 0; deed < 6; deed += 1) {
        pick(CLIENT, random)(client);
        await idle();
        net.clock.advance(Math.floor(random() * 100));
        const server = servers[servers.length - 1 - Math.floor(random() * 2)];
        if (server !== undefined) pick(SERVER, random)(server);
        await idle();
      }
      if (random() < 0.5) client.reset();
    }
    const last = await net.client();
    await net.proxy.close();
    await ending(last);
    await turn();
    expect(net.clock.timers).toBe(0);

    /** Every connection that the network makes. */
    function serve(): void {
      void net.server().then((server) => {
        servers.push(server);
        serve();
      });
    }

    async function idle(): Promise<void> {
      for (let turns = Math.floor(random() * 5); turns > 0; turns -= 1) await turn();
    }
  });
});

function pick(deeds: readonly Deed[], random: () => number): Deed {
  return deeds[Math.floor(random() * deeds.length)] as Deed;
}
