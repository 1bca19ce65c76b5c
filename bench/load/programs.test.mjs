// The two programs of the load generator, each against a server of this test: what they send, count and report.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { test } from "node:test";
import { bytes, LoadProcess } from "../harness/children.mjs";
import { EVENT_BYTES, event, sseChunk } from "./samples.mjs";

const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** @typedef {import("node:net").Socket} Socket */

/**
 * Subscribers of a server that answers each with `head`, once it has asked.
 * @param {import("node:test").TestContext} context
 * @param {object} [options]
 * @param {number} [options.count]
 * @param {number} [options.stalled]
 * @param {(socket: Socket, text: string) => void} [options.answer]
 * @param {(string | number)[][]} [options.handshake]
 */
async function subscribed(context, { count = 2, stalled = 0, answer, handshake } = {}) {
  /** @type {Socket[]} */
  const sockets = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.setEncoding("latin1");
    socket.on("data", (text) => (answer ?? ((to) => to.write(HEAD)))(socket, String(text)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const program = new LoadProcess("subscribers");
  context.after(async () => {
    await program.end();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  for (const step of handshake ?? [["step", bytes("\r\n\r\n"), 0, "-"]]) program.send(...step);
  const request = bytes("GET / HTTP/1.1\r\n\r\n");
  program.send("target", port, count, 0, 0, request);
  if (stalled > 0) program.send("target", port, stalled, 0, 1, request);
  await program.ask("connected", "connect");
  return { program, sockets };
}

/**
 * How it ends when so many events are expected, and `write` sends what comes.
 * @param {LoadProcess} program
 * @param {number} events
 * @param {() => void} write
 * @returns {Promise<string>}
 */
async function outcome(program, events, write) {
  await program.ask("expecting", "expect", events, 1);
  const finished = program.next("finished");
  write();
  return finished.then(
    () => "finished",
    (error) => error.message,
  );
}

test("subscribers are finished when each has every event, and each delivery is counted", async (context) => {
  const { program, sockets } = await subscribed(context);
  const ended = await outcome(program, 3, () => {
    for (const socket of sockets) socket.write(sseChunk(0, 1));
    for (const socket of sockets) socket.write(sseChunk(2));
  });
  assert.equal(ended, "finished");
  assert.equal(program.said.each.count, 6);
  assert.equal(program.said.last.count, 3);
});

test("until then they are not: the census says how many lack something", async (context) => {
  const { program, sockets } = await subscribed(context);
  const ended = outcome(program, 2, () => {
    sockets[0]?.write(sseChunk(0, 1));
    sockets[1]?.write(sseChunk(0));
  });
  const census = () => program.ask("census", "census");
  while ((await census()).missing !== 1);
  sockets[1]?.write(sseChunk(1));
  assert.equal(await ended, "finished");
  const { open, missing } = await census();
  assert.deepEqual([open, missing], [2, 0]);
});

for (const [name, sequences, reason] of /** @type {const} */ ([
  ["misses one", [0, 2], "event 1 is #2, others got #1"],
  ["gets one twice", [0, 1, 1], "event 2 is #1, others got #2"],
  ["gets two swapped", [1, 0], "event 0 is #1, others got #0"],
  ["gets one too many, when all have theirs", [0, 1, 2, 2], "more than 3 events: #2"],
])) {
  test(`a subscriber that ${name} fails the run`, async (context) => {
    const { program, sockets } = await subscribed(context);
    const ended = await outcome(program, 3, () => {
      sockets[0]?.write(sseChunk(0, 1, 2), () => sockets[1]?.write(sseChunk(...sequences)));
    });
    assert.equal(ended, reason);
  });
}

test("a subscriber that is cut off fails the run", async (context) => {
  const { program, sockets } = await subscribed(context);
  const ended = await outcome(program, 3, () => sockets[1]?.end(sseChunk(0)));
  assert.equal(ended, "the server closed a connection: end (2 of 2 subscribed)");
});

test("a subscriber that stalls reads no more, and nobody waits for it", async (context) => {
  const { program, sockets } = await subscribed(context, { count: 1, stalled: 1 });
  const [reader, staller] = sockets;
  assert.equal(await outcome(program, 1, () => reader?.write(sseChunk(0))), "finished");
  // More than its socket and this one's hold.
  staller?.write("x".repeat(16 * 1024 * 1024));
  assert.equal(await outcome(program, 1, () => reader?.write(sseChunk(0))), "finished");
  assert.ok((staller?.writableLength ?? 0) > 0);
});

test("a handshake of several steps in single bytes, with what was captured sent back; then a ping is answered", async (context) => {
  /** @type {string[]} */
  const said = [];
  const answers = ["hello ID=abcd!", "welcome"];
  const answer = (/** @type {Socket} */ socket, /** @type {string} */ text) => {
    said.push(text);
    for (const byte of answers.shift() ?? "") socket.write(byte);
  };
  const handshake = [
    ["step", bytes("ID="), 4, bytes("I am {captured}, {captured}")],
    ["step", bytes("welcome"), 0, "-"],
    ["ping", bytes("are you there?"), bytes("I am")],
  ];
  const { program, sockets } = await subscribed(context, { count: 1, answer, handshake });
  assert.deepEqual(said, ["GET / HTTP/1.1\r\n\r\n", "I am abcd, abcd"]);
  const [socket] = sockets;
  const answered = socket && once(socket, "data");
  socket?.write("are you there?");
  assert.deepEqual(await answered, ["I am"]);
  assert.equal(await outcome(program, 1, () => socket?.write(event(0))), "finished");
});

/**
 * Publishers of a server that keeps what it is sent, and answers with `status`.
 * @param {import("node:test").TestContext} context
 * @param {number} count
 * @param {{targets?: string[], headers?: string, status?: number, prefix?: string, suffix?: string}} [options]
 */
async function publishing(context, count, { targets = ["/a"], headers, status = 204, prefix = "", suffix = "" } = {}) {
  /** @type {{path: string, port: number, body: string}[]} */
  const requests = [];
  const server = createHttpServer(async (request, response) => {
    const parts = await request.setEncoding("latin1").toArray();
    requests.push({ path: request.url ?? "", port: request.socket.remotePort ?? 0, body: parts.join("") });
    response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const program = new LoadProcess("publishers");
  context.after(async () => {
    await program.end();
    server.close();
  });
  const length = `Content-Length: ${prefix.length + EVENT_BYTES + suffix.length}`;
  for (const path of targets) {
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers ?? length}\r\n\r\n`;
    program.send("target", port, bytes(head), bytes(prefix), bytes(suffix));
  }
  await program.ask("connected", "connect", count);
  return { program, requests };
}

/** @param {string} body */
function sequencesIn(body) {
  return Array.from(body.matchAll(/#(\d{7})#\d{19}#x{71}/g), ([, digits]) => Number(digits));
}

test("publishers share the events, each in its order, and the targets take turns", async (context) => {
  const { program, requests } = await publishing(context, 2, { targets: ["/a", "/b", "/c"] });
  await program.ask("published", "publish", 12, 0, 1);
  const all = requests.map(({ path, port, body }) => ({ path, port, sequence: sequencesIn(body)[0] ?? Number.NaN }));
  assert.deepEqual(
    all.map(({ sequence }) => sequence).sort((a, b) => a - b),
    [...Array(12).keys()],
  );
  for (const { path, sequence } of all) assert.equal(path, ["/a", "/b", "/c"][sequence % 3]);
  const ports = new Set(all.map(({ port }) => port));
  const eachOnes = [...ports].map((one) => all.filter(({ port }) => port === one).map(({ sequence }) => sequence));
  assert.deepEqual(
    eachOnes.sort(([a = 0], [b = 0]) => a - b),
    [
      [0, 2, 4, 6, 8, 10],
      [1, 3, 5, 7, 9, 11],
    ],
  );
});

test("bursts at an even pace are never early", async (context) => {
  const { program, requests } = await publishing(context, 3);
  const { from, to } = await program.ask("published", "publish", 9, 20e6, 3);
  assert.equal(requests.length, 9);
  // Three at once, and twice 20 ms until the last three.
  assert.ok(to - from >= 40, `${to - from} ms`);
});

test("all events as lines of one request", async (context) => {
  const headers = "Transfer-Encoding: chunked";
  const { program, requests } = await publishing(context, 1, { headers, prefix: '"', suffix: '"' });
  await program.ask("published", "stream", 5000);
  const [{ body } = { body: "" }] = requests;
  assert.equal(requests.length, 1);
  const lines = body.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => sequencesIn(JSON.parse(line))[0]),
    [...Array(5000).keys()],
  );
});

test("a publish that is refused fails the run", async (context) => {
  const { program } = await publishing(context, 1, { status: 503 });
  await assert.rejects(program.ask("published", "publish", 1, 0, 1), /a publish was answered 503/);
});
