// A child process: all subscribers of a run, on raw sockets.
//
// parent → child   {connect: {protocol, port, path, count}}    child → parent   {connected: count}
//                  {expect: {events, publishers}}                               {expecting: true}
//                                                                               {finished: {at, alone}}
//                  {census: true}                                               {census: {open, missing}}
// and {failed: reason} whenever something is wrong. `at` is in milliseconds of the system's monotonic clock.

import { connect } from "node:net";
import { protocols } from "./protocols/index.mjs";
import { Phase, Subscriber } from "./subscriber.mjs";

/** How many handshakes are under way at once: below the listen backlog of every peer (511). */
const OPENING_AT_ONCE = 200;
/** One buffer for all sockets: a chunk is used up before the next is read, so nothing is allocated per read. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);
/** How long to listen for events too many. */
const LINGER_MS = 100;

/** @type {Subscriber[]} */
const subscribers = [];
/** @type {import("./protocols/index.mjs").Protocol} */
let protocol;
/** @type {Phase | undefined} */
let phase;
let open = 0;
let failed = false;

process.on("message", (/** @type {any} */ message) => {
  if (message.connect) connectAll(message.connect);
  else if (message.expect) expect(message.expect);
  else if (message.census) process.send?.({ census: { open, missing: phase?.missing ?? 0 } });
});
process.on("disconnect", () => process.exit());

/** @param {{protocol: string, port: number, path: string, count: number}} target */
function connectAll({ protocol: name, port, path, count }) {
  const spoken = protocols[name];
  if (spoken === undefined) return fail(`no protocol "${name}"`);
  protocol = spoken;
  const request = protocol.request(path, port);
  let started = 0;
  const openNext = () => {
    if (started === count) return;
    started++;
    subscribers.push(
      openOne(port, request, () => {
        open++;
        if (open === count) process.send?.({ connected: count });
        openNext();
      }),
    );
  };
  for (let lane = 0; lane < OPENING_AT_ONCE; lane++) openNext();
}

/**
 * @param {number} port
 * @param {string} request
 * @param {() => void} ready
 */
function openOne(port, request, ready) {
  const subscriber = new Subscriber(protocol, { send: (bytes) => socket.write(bytes), ready, fail });
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (length) => {
        subscriber.read(readBuffer, length);
        return true;
      },
    },
  });
  socket.on("connect", () => socket.write(request));
  socket.on("error", (error) => fail(`socket: ${error.message}`));
  socket.on("close", () => {
    open--;
    fail("the server closed a connection");
  });
  return subscriber;
}

/** @param {{events: number, publishers: number}} load */
function expect(load) {
  phase = new Phase({ ...load, protocol, subscribers: subscribers.length }, onFinished, fail);
  for (const subscriber of subscribers) subscriber.begin(phase);
  process.send?.({ expecting: true });
}

function onFinished() {
  const at = Number(process.hrtime.bigint()) / 1e6;
  const alone = subscribers.filter((subscriber) => subscriber.alone).length;
  setTimeout(() => {
    if (!failed) process.send?.({ finished: { at, alone } });
  }, LINGER_MS);
}

/** @param {string} reason */
function fail(reason) {
  if (failed) return;
  failed = true;
  process.send?.({ failed: reason });
}
