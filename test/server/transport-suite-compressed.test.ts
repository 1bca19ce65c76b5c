/** The transport suite over what is compressed. */

import { describe, test } from "vitest";
import { transportSuite } from "../../src/testing/index.ts";
import { sseEnvelopeGzip, sseRawGzip, streamGzip } from "../testing/drivers/endless-http.ts";
import { websocketMessagesDeflate, websocketRawDeflate } from "../testing/drivers/websocket.ts";
import { serverStarter } from "../testing/server.ts";

const start = serverStarter(undefined, { compression: true });

describe.each([sseEnvelopeGzip, websocketMessagesDeflate])("$name", (driver) => {
  for (const { name, run } of transportSuite(driver, start)) test(name, run);
});

/** They take a second each, and hang on nothing that the others do not. */
const SLOW = /^a reader (that|of several channels that) (stops|has stopped)/;

describe.each([sseRawGzip, streamGzip, websocketRawDeflate])("$name", (driver) => {
  const cases = transportSuite(driver, start).filter(({ name }) => !SLOW.test(name));
  for (const { name, run } of cases) test(name, run);
});
