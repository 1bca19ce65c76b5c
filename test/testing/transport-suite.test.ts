/** A suite that lets a broken transport pass is no suite: each of these is found. */

import { describe, expect, test } from "vitest";
import {
  type ConnectOptions,
  type DriverMessage,
  type SuiteCase,
  type TransportDriver,
  transportSuite,
} from "../../src/testing/index.ts";
import { sseRaw, stream } from "./drivers/endless-http.ts";
import { websocketRaw } from "./drivers/websocket.ts";
import { serverStarter } from "./server.ts";

/** What becomes of a message on its way, and of the options of a connect. */
interface Broken {
  /** The case that finds it. */
  readonly foundBy: string;
  message?(message: DriverMessage, nth: number): readonly DriverMessage[];
  options?(options: ConnectOptions): ConnectOptions;
}

const BROKEN: Readonly<Record<string, Broken>> = {
  "gives an event twice": {
    foundBy: "gives what is published after it began",
    message: (message, nth) => (nth % 7 === 0 ? [message, message] : [message]),
  },
  "does not say what is lost": {
    foundBy: "says $gap before the first event",
    message: (message) => (message.type === "$gap" ? [] : [message]),
  },
  "counts one lost too few": {
    foundBy: "says $gap before the first event",
    message: (message) =>
      message.type === "$gap" && "lost" in message && message.lost !== null
        ? [{ ...message, lost: message.lost - 1 }]
        : [message],
  },
  "begins with something else than $open": {
    foundBy: "says $open first",
    message: (message) => (message.type === "$open" ? [{ type: "$heartbeat", time: 0 }, message] : [message]),
  },
  "takes text for JSON": {
    foundBy: "carries text with every kind",
    message: (message) =>
      "data" in message && typeof message.data === "string" && message.data.startsWith("{")
        ? [{ ...message, data: JSON.parse(message.data) as unknown }]
        : [message],
  },
  "loses line breaks": {
    foundBy: "carries text with every kind",
    message: (message) =>
      "data" in message && typeof message.data === "string"
        ? [{ ...message, data: message.data.replaceAll("\r", "") }]
        : [message],
  },
  "begins at the oldest event, whatever it is told": {
    foundBy: "gives what is published after it began",
    options: (options) => ({ ...options, from: "earliest" }),
  },
  "comes back one event too early": {
    foundBy: "Last-Event-ID wins",
    options: ({ lastEventId, ...options }) =>
      lastEventId === undefined
        ? options
        : { ...options, lastEventId: lastEventId.replace(/\d+$/, (n) => `${Math.max(0, Number(n) - 1)}`) },
  },
};

describe("the transport suite", () => {
  test.each(Object.entries(BROKEN))("finds a transport that %s", async (_, broken) => {
    await expect(caseOf(breaking(stream, {}), broken.foundBy).run()).resolves.toBeUndefined();
    await expect(caseOf(breaking(stream, broken), broken.foundBy).run()).rejects.toThrow();
  });

  test("asks each transport for what it carries, and not for more", () => {
    const names = (driver: TransportDriver) => transportSuite(driver, serverStarter()).map(({ name }) => name);
    const all = names(stream);
    expect(new Set(all).size).toBe(all.length);
    expect(names(sseRaw).length).toBeLessThan(all.length);
    expect(names(websocketRaw)).not.toContain("comes back from any id, and gets exactly what follows");
  });
});

function breaking(driver: TransportDriver, { message, options }: Partial<Broken>): TransportDriver {
  return {
    ...driver,
    async connect(url, asked) {
      const connection = await driver.connect(url, options?.(asked) ?? asked);
      const ready: DriverMessage[] = [];
      let nth = 0;
      return {
        get cursor() {
          return connection.cursor;
        },
        async next() {
          while (ready.length === 0) {
            const result = await connection.next();
            if (result.done === true) return result;
            nth += 1;
            ready.push(...(message?.(result.value, nth) ?? [result.value]));
          }
          return { done: false, value: ready.shift() as DriverMessage };
        },
        pause: () => connection.pause(),
        resume: () => connection.resume(),
        close: () => connection.close(),
      };
    },
  };
}

function caseOf(driver: TransportDriver, name: string): SuiteCase {
  const found = transportSuite(driver, serverStarter()).filter((each) => each.name.startsWith(name));
  if (found.length !== 1) throw new Error(`${found.length} cases begin with ${name}`);
  return found[0] as SuiteCase;
}
