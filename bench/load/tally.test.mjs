// The check of the benchmark itself: what a bad server sends must not count.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeEvent } from "./event.mjs";
import { protocols } from "./protocols/index.mjs";
import { Phase, Subscriber } from "./subscriber.mjs";

const heads = { sse: "HTTP/1.1 200 OK\r\n\r\n", websocket: "HTTP/1.1 101 Switching Protocols\r\n\r\n" };

/** @param {number[]} sequences */
function sseChunk(sequences) {
  const body = sequences.map((sequence) => `data: ${makeEvent(sequence)}\nid: a:${sequence}\n\n`).join("");
  return Buffer.from(`${body.length.toString(16)}\r\n${body}\r\n`);
}

/** @param {number[]} sequences */
function frames(sequences) {
  return Buffer.from(sequences.map((sequence) => `\x81\x64${makeEvent(sequence)}`).join(""), "latin1");
}

/** @param {number[]} sequences */
function socketIoFrames(sequences) {
  const packets = sequences.map((sequence) => `42["message","${makeEvent(sequence)}"]`);
  return Buffer.from(packets.map((packet) => `\x81${String.fromCharCode(packet.length)}${packet}`).join(""), "latin1");
}

/**
 * Two subscribers, subscribed, that are to get `events` events of two publishers.
 * @param {string} name
 * @param {number} events
 */
function pair(name, events) {
  const protocol = protocols[name] ?? assert.fail();
  /** @type {{finished: boolean, failures: string[], sent: Buffer[]}} */
  const outcome = { finished: false, failures: [], sent: [] };
  /** @param {string} reason */
  const fail = (reason) => outcome.failures.push(reason);
  const link = { send: (/** @type {Buffer} */ bytes) => outcome.sent.push(bytes), ready() {}, fail };
  const subscribers = [new Subscriber(protocol, link), new Subscriber(protocol, link)];
  const load = { protocol, events, publishers: 2, subscribers: 2 };
  const phase = new Phase(load, () => (outcome.finished = true), fail);
  const head = Buffer.from(name === "sse" ? heads.sse : heads.websocket);
  for (const subscriber of subscribers) {
    subscriber.read(head, head.length);
    subscriber.begin(phase);
  }
  /**
   * @param {number} index
   * @param {Buffer} bytes
   */
  const read = (index, bytes) => subscribers[index]?.read(bytes, bytes.length);
  return { outcome, read };
}

const encodings = { sse: sseChunk, websocket: frames, "socket.io": socketIoFrames };

for (const [name, encode] of Object.entries(encodings)) {
  test(`${name}: two subscribers that get everything, cut at every byte`, () => {
    const bytes = Buffer.concat([encode([1, 0]), encode([2]), encode([3, 5, 4])]);
    for (let cut = 0; cut < bytes.length; cut++) {
      const { outcome, read } = pair(name, 6);
      read(0, bytes.subarray(0, cut));
      read(1, bytes.subarray(0, bytes.length - cut));
      read(1, bytes.subarray(bytes.length - cut));
      assert.equal(outcome.finished, false);
      read(0, bytes.subarray(cut));
      assert.deepEqual(outcome.failures, []);
      assert.equal(outcome.finished, true);
    }
  });

  test(`${name}: the same events in other chunks`, () => {
    const { outcome, read } = pair(name, 4);
    read(0, encode([0, 1, 2]));
    read(0, encode([3]));
    for (const sequence of [0, 1, 2, 3]) read(1, encode([sequence]));
    assert.deepEqual(outcome.failures, []);
    assert.equal(outcome.finished, true);
  });

  test(`${name}: an event that one subscriber misses`, () => {
    const { outcome, read } = pair(name, 4);
    read(0, encode([0, 1, 2, 3]));
    read(1, encode([0]));
    read(1, encode([2, 3]));
    assert.equal(outcome.failures[0], "event 1 is #2, others got #1");
    assert.equal(outcome.finished, false);
  });

  test(`${name}: the last event missing`, () => {
    const { outcome, read } = pair(name, 4);
    read(0, encode([0, 1, 2, 3]));
    read(1, encode([0, 1, 2]));
    assert.equal(outcome.finished, false);
  });

  test(`${name}: an event that all get twice`, () => {
    const { outcome, read } = pair(name, 4);
    for (const index of [0, 1]) read(index, encode([0, 1, 1, 2, 3]));
    assert.equal(outcome.failures[0], "event #1 came twice");
  });

  test(`${name}: one event too many for one subscriber`, () => {
    const { outcome, read } = pair(name, 2);
    read(0, encode([0, 1]));
    read(1, encode([0, 1, 0]));
    assert.equal(outcome.failures[0], "more than 2 events");
  });

  test(`${name}: one publisher's events swapped`, () => {
    const { outcome, read } = pair(name, 4);
    read(0, encode([2, 0, 1, 3]));
    assert.equal(outcome.failures[0], "event #0 came after #2 of the same publisher");
  });

  test(`${name}: an event cut short`, () => {
    const { outcome, read } = pair(name, 2);
    const bytes = encode([0]);
    bytes.write("y", bytes.lastIndexOf("x"), "latin1");
    read(0, bytes);
    assert.match(outcome.failures[0] ?? "", /never published/);
  });
}

test("sse: an event whose chunk ends in the middle of it", () => {
  const { outcome, read } = pair("sse", 1);
  const body = `data: ${makeEvent(0)}\n\n`;
  const chunk = (/** @type {string} */ part) => `${part.length.toString(16)}\r\n${part}\r\n`;
  for (const index of [0, 1]) read(index, Buffer.from(chunk(body.slice(0, 9)) + chunk(body.slice(9))));
  assert.deepEqual(outcome, { finished: true, failures: [], sent: [] });
});

test("socket.io: a ping between events is answered and not counted", () => {
  const { outcome, read } = pair("socket.io", 2);
  for (const index of [0, 1]) {
    read(index, socketIoFrames([0]));
    read(index, Buffer.from("\x81\x012", "latin1"));
    read(index, socketIoFrames([1]));
  }
  assert.equal(outcome.finished, true);
  assert.equal(outcome.sent.length, 2);
});
