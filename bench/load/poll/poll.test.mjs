// The pollers' checks can fail.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { AnswerReader } from "./answers.mjs";
import { Poller, sequencesIn } from "./poller.mjs";

/** @param {number} sequence */
function event(sequence) {
  return `#${String(sequence).padStart(7, "0")}#${"1".repeat(19)}#`.padEnd(100, "x");
}

const withLength = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const inChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

for (const [name, text] of Object.entries({ withLength, inChunks })) {
  test(`an answer ${name}, cut at every byte`, () => {
    for (let cut = 1; cut < text.length; cut++) {
      const reader = new AnswerReader();
      assert.equal(reader.read(text.slice(0, cut)), undefined);
      assert.equal(reader.read(text.slice(cut))?.body, "hello");
    }
  });
}

test("an answer that is an error, and one with more behind it", () => {
  assert.throws(() => new AnswerReader().read("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), /404/);
  assert.throws(() => new AnswerReader().read(`${withLength}!`), /more than one/);
});

test("an event that is damaged", () => {
  assert.deepEqual(sequencesIn(`{"data":"${event(7)}"},{"data":"${event(8)}"}`), [7, 8]);
  assert.throws(() => sequencesIn(event(7).slice(0, -1)), /damaged/);
  assert.throws(() => sequencesIn(`${event(7)}x`), /damaged/);
});

/**
 * What a poller of three events says when its polls are answered with these.
 * @param {string[]} bodies
 * @returns {Promise<string>}
 */
async function outcomeOf(bodies) {
  const server = createServer((_, response) => {
    const body = bodies.shift();
    if (body !== undefined) response.end(body);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const outcome = await new Promise((resolve) => {
    const watcher = { parked() {}, finished: () => resolve("finished"), failed: resolve };
    new Poller(port, () => ({ request, parks: true }), watcher).expect(3);
  });
  server.closeAllConnections();
  server.close();
  return outcome;
}

test("every event, in answers of one and more", async () => {
  assert.equal(await outcomeOf([event(0), "", event(1) + event(2)]), "finished");
});

test("an event missing, doubled, swapped", async () => {
  assert.equal(await outcomeOf([event(0), event(2)]), "event #2 where #1 was to come");
  assert.equal(await outcomeOf([event(0), event(0)]), "event #0 where #1 was to come");
  assert.equal(await outcomeOf([event(1) + event(0)]), "event #1 where #0 was to come");
});
