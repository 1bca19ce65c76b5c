/** The hub over a store that answers with promises, each in its own time. */

import { describe, test } from "vitest";
import { transportSuite } from "../../src/testing/index.ts";
import { DelayedStore } from "../testing/delayed-store.ts";
import { sseEnvelope } from "../testing/drivers/endless-http.ts";
import { longPoll } from "../testing/drivers/polling.ts";
import { websocketMessages } from "../testing/drivers/websocket.ts";
import { serverStarter } from "../testing/server.ts";

describe.each([sseEnvelope, longPoll, websocketMessages])("$name over a store that answers later", (driver) => {
  const start = serverStarter((store) => new DelayedStore(store, 5));
  for (const { name, run } of transportSuite(driver, start)) test(name, run);
});
