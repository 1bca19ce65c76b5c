import { describe, test } from "vitest";
import { transportSuite } from "../../src/testing/index.ts";
import { sseEnvelope, sseRaw, stream } from "../testing/drivers/endless-http.ts";
import { longPoll, poll } from "../testing/drivers/polling.ts";
import { websocketMessages, websocketRaw } from "../testing/drivers/websocket.ts";
import { serverStarter } from "../testing/server.ts";

const DRIVERS = [sseRaw, sseEnvelope, stream, longPoll, poll, websocketMessages, websocketRaw];

describe.each(DRIVERS)("$name", (driver) => {
  for (const { name, run } of transportSuite(driver, serverStarter())) test(name, run);
});
