// How one kind of subscriber speaks: by hand, on a raw socket.

import { socketIo } from "./socket-io.mjs";
import { sse } from "./sse.mjs";
import { websocket } from "./websocket.mjs";

/**
 * Where a protocol reports what it reads.
 * @typedef {object} Sink
 * @property {(bytes: Buffer, start: number, end: number) => void} event one event's data is bytes[start, end)
 * @property {(bytes: Buffer) => void} send an answer that the protocol owes, such as a pong
 * @property {() => void} ready subscribed: what is published from here on arrives
 * @property {(reason: string) => void} fail
 */

/**
 * @typedef {object} Protocol
 * @property {(path: string, port: number) => string} request the head to open with
 * @property {number} status what the answer must be
 * @property {boolean} readyOnHead whether the answer's head says that the subscriber is subscribed
 * @property {boolean} shared whether subscribers of one channel get the same bytes, as a rule
 * @property {(bytes: Buffer, from: number, to: number, sink: Sink) => number} decode
 *   Reports the whole messages in bytes[from, to) and returns where they end. It keeps no state: what is left over
 *   comes again, with more behind it.
 */

/** @type {Record<string, Protocol>} */
export const protocols = { sse, websocket, "socket.io": socketIo };
