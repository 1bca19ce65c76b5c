/** `sse`, raw and in envelopes, and `stream`, on node:http. */

import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import {
  CARRIES_ALL,
  type Carried,
  type ConnectOptions,
  type DriverConnection,
  type TransportDriver,
} from "../../../src/testing/index.ts";
import { createSseParser } from "../../../src/wire/sse.ts";
import { channelsOf, HttpClient, messageOf, refuseErrors, requestFor } from "./http.ts";
import { Inbox } from "./inbox.ts";
import { Place } from "./place.ts";

/** Puts what a chunk completes into the inbox. */
type Reader = (chunk: Buffer) => void;

const ENDLESS = { endless: true, waits: true, opens: true, pings: false } as const;
const RAW: readonly Carried[] = ["id", "type"];

export const sseRaw: TransportDriver = {
  ...ENDLESS,
  name: "sse raw",
  transport: "sse",
  carries: RAW,
  connect: (url, options) => connect(url, { transport: "sse", format: "raw" }, options, rawReader),
};

export const sseEnvelope: TransportDriver = {
  ...ENDLESS,
  name: "sse envelope",
  transport: "sse",
  carries: CARRIES_ALL,
  connect: (url, options) => connect(url, { transport: "sse", format: "envelope" }, options, envelopeReader),
};

export const stream: TransportDriver = {
  ...ENDLESS,
  name: "stream",
  transport: "stream",
  carries: CARRIES_ALL,
  connect: (url, options) => connect(url, { transport: "stream" }, options, lineReader),
};

/** The same in gzip, which the server has to agree to and to end in order. */
export const sseRawGzip: TransportDriver = {
  ...sseRaw,
  name: "sse raw in gzip",
  connect: (url, options) => connect(url, { transport: "sse", format: "raw" }, options, rawReader, "gzip"),
};

export const sseEnvelopeGzip: TransportDriver = {
  ...sseEnvelope,
  name: "sse envelope in gzip",
  connect: (url, options) => connect(url, { transport: "sse", format: "envelope" }, options, envelopeReader, "gzip"),
};

export const streamGzip: TransportDriver = {
  ...stream,
  name: "stream in gzip",
  connect: (url, options) => connect(url, { transport: "stream" }, options, lineReader, "gzip"),
};

async function connect(
  url: string,
  query: Readonly<Record<string, string>>,
  options: ConnectOptions,
  read: (inbox: Inbox, channels: string, cursor: string) => Reader,
  coding: "identity" | "gzip" = "identity",
): Promise<DriverConnection> {
  const client = new HttpClient(options.signal);
  const request = requestFor(url, query, options);
  const answer = await client.get(request.url, { ...request.headers, "Accept-Encoding": coding });
  await refuseErrors(answer);
  const { "content-encoding": used = "identity" } = answer.headers;
  if (used !== coding) throw new Error(`answered in ${used} where ${coding} was asked for`);
  const cursor = String(answer.headers["tailwire-cursor"]);
  const inbox = new Inbox(cursor);
  const listen = coding === "gzip" ? listenGzip : listenPlain;
  listen(answer, inbox, read(inbox, channelsOf(url), cursor));
  return {
    get cursor() {
      return inbox.cursor;
    },
    next: () => inbox.next(),
    pause: () => client.pause(),
    resume: () => client.resume(),
    close: () => client.close(),
  };
}

function listenPlain(answer: IncomingMessage, inbox: Inbox, read: Reader): void {
  answer.on("data", guarded(inbox, read));
  answer.on("close", () => inbox.end());
}

/** A whole answer has to be a whole gzip, whose checksum is right. One that is cut off may end anywhere. */
function listenGzip(answer: IncomingMessage, inbox: Inbox, read: Reader): void {
  const gunzip = createGunzip();
  gunzip.on("data", guarded(inbox, read));
  gunzip.on("error", (error) => inbox.end(error));
  gunzip.on("end", () => inbox.end());
  answer.on("data", (chunk: Buffer) => gunzip.write(chunk));
  answer.on("close", () => {
    if (answer.complete) gunzip.end();
    else gunzip.flush(() => inbox.end());
  });
}

function guarded(inbox: Inbox, read: Reader): Reader {
  return (chunk) => {
    try {
      read(chunk);
    } catch (error) {
      inbox.end(error);
    }
  };
}

function rawReader(inbox: Inbox): Reader {
  const parser = createSseParser({
    onEvent({ type, data, lastEventId }) {
      const message = type.startsWith("$") ? messageOf(data) : { type, data, id: lastEventId };
      inbox.put(message, lastEventId);
    },
    onComment: () => inbox.put({ type: "$heartbeat", time: 0 }, parser.lastEventId),
  });
  return (chunk) => parser.push(chunk);
}

function envelopeReader(inbox: Inbox): Reader {
  const parser = createSseParser({
    onEvent: ({ data, lastEventId }) => inbox.put(messageOf(data), lastEventId),
  });
  return (chunk) => parser.push(chunk);
}

function lineReader(inbox: Inbox, channels: string, cursor: string): Reader {
  const place = new Place(channels, cursor);
  let held: Buffer[] = [];
  return (chunk) => {
    const end = chunk.lastIndexOf(10);
    if (end < 0) {
      held.push(chunk);
      return;
    }
    const text = Buffer.concat([...held, chunk.subarray(0, end)]).toString();
    held = [chunk.subarray(end + 1)];
    for (const line of text.split("\n")) {
      const message = messageOf(line);
      inbox.put(message, place.after(message));
    }
  };
}
