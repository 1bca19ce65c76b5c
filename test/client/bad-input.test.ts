/** What a client makes of servers, proxies and applications that do what they should not. */

import type { ServerResponse } from "node:http";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { realClock } from "../../src/client/backoff.ts";
import type { ConnectOptions } from "../../src/client/index.ts";
import { type FaultyServer, faultyServer } from "../e2e/client/faulty-server.ts";
import { nodeClient } from "../e2e/client/node-client.ts";

type HttpTransport = "sse" | "stream" | "long-poll" | "poll";
type TransportName = HttpTransport | "websocket";

const MEDIA_TYPES: Readonly<Record<HttpTransport, string>> = {
  sse: "text/event-stream",
  stream: "application/x-ndjson",
  "long-poll": "application/json",
  poll: "application/json",
};

const TIME = 1_790_000_000_000;
const HEARTBEAT = { type: "$heartbeat", time: TIME };
const open = (cursor = "a:0", more: object = {}) => ({
  ...{ type: "$open", cursor, heartbeatMs: 15_000, transport: "any", time: TIME },
  ...more,
});
const event = (id: unknown, more: object = {}) => ({
  ...{ id, channel: "chat", type: "message", time: TIME, data: id },
  ...more,
});

/** Comes back at once. Node 20 has no WebSocket of its own. */
const OPTIONS: ConnectOptions = {
  clock: { ...realClock, random: () => 0 },
  WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
};

describe("an answer that is no subscription", () => {
  const page = "<!doctype html><title>Sign in to this network</title>";
  const other = (name: HttpTransport): HttpTransport => (name === "stream" ? "sse" : "stream");

  describe.each(Object.keys(MEDIA_TYPES) as HttpTransport[])("over %s", (transport) => {
    const answers: readonly (readonly [string, number, string, string, string | undefined])[] = [
      ["a page", 200, "text/html", page, "protocol_error"],
      ["nothing", 200, "text/plain", "", "protocol_error"],
      ["204", 204, "text/plain", "", "protocol_error"],
      ["a page with 502", 502, "text/html", page, undefined],
      ["JSON with 404 that is no problem", 404, "application/json", "[]", "protocol_error"],
      [
        "a problem that will not pass",
        403,
        "application/problem+json",
        '{"code":"origin_not_allowed"}',
        "origin_not_allowed",
      ],
      ["a page that says it is of the right kind", 200, MEDIA_TYPES[transport], page, "protocol_error"],
      ["null", 200, MEDIA_TYPES[transport], "null\n", "protocol_error"],
      ["another version's $open", 200, MEDIA_TYPES[transport], '{"type":"$open","v":2}\n', "protocol_error"],
      ["bytes that are no UTF-8", 200, MEDIA_TYPES[transport], "\xff\xfe", "protocol_error"],
    ];

    it.each(answers)("that is %s: tells it, and tries the next transport", async (_what, status, type, body, code) => {
      const server = await faultyServer({
        http(req, res) {
          if (req.headers.accept !== MEDIA_TYPES[transport]) return false;
          res.writeHead(status, { "Content-Type": type });
          // An event stream's lines name their field.
          res.end(transport === "sse" && type === MEDIA_TYPES.sse ? `data: ${body}\n` : body, "latin1");
          return true;
        },
      });
      const client = nodeClient(server.url, { transports: [transport, other(transport)] });
      client.subscribe("chat");
      await client.reaches("open");
      await server.hub.publish("chat", "whole");
      await client.count(1);
      expect(client.push.transport).toBe(other(transport));
      expect(client.data()).toEqual(["whole"]);
      expect(client.of("error").map((error) => error.code)).toEqual(code === undefined ? [] : [code]);
    });
  });
});

/** What a server says to one request: texts are sent as they are, all else as JSON. */
interface Speech {
  readonly says: readonly unknown[];
  /** Follows the last message, without an end of its own. */
  readonly tail?: string;
  /** Whether the answer ends, or is broken off, after that; otherwise it stays open. */
  readonly ends?: "well" | "broken";
}

/** A server that says to each request what comes next, and to those behind the last nothing. */
function scripted(speeches: readonly Speech[]): Promise<FaultyServer> {
  let count = 0;
  const next = () => speeches[count++] ?? { says: [] };
  return faultyServer({
    http(req, res) {
      const transport = /[?&]transport=(\w+)/.exec(req.url ?? "")?.[1] ?? "poll";
      if (transport === "poll") poll(res, next());
      else stream(res, next(), transport === "sse");
      return true;
    },
    webSocket: () => (socket) => {
      const { says, tail, ends } = next();
      for (const each of says) socket.send(textOf(each));
      if (tail !== undefined) socket.send(tail);
      if (ends === "well") socket.close(1001);
      else if (ends === "broken") socket.terminate();
    },
  });
}

function stream(res: ServerResponse, { says, tail = "", ends }: Speech, isSse: boolean): void {
  res.writeHead(200, { "Content-Type": MEDIA_TYPES[isSse ? "sse" : "stream"] });
  const [before, after] = isSse ? ["event: message\ndata: ", "\nid: 1\n\n"] : ["", "\n"];
  res.write(says.map((each) => before + textOf(each) + after).join("") + (tail === "" ? "" : before + tail), () => {
    if (ends === "well") res.end();
    else if (ends === "broken") res.destroy();
  });
}

/** Of the messages, those that a poll has. */
function poll(res: ServerResponse, { says, tail, ends }: Speech): void {
  if (says.length === 0 && tail === undefined) return;
  const events = says.filter((each) => !/"type":"\$(open|heartbeat)/.test(textOf(each))).map(textOf);
  const body = tail === undefined ? `],"cursor":"a:${events.length}"}` : `,${tail}`;
  res.writeHead(200, { "Content-Type": MEDIA_TYPES.poll });
  if (ends === "broken") res.write(`{"events":[${events}`, () => res.destroy());
  else res.end(`{"events":[${events}${body}`);
}

const textOf = (each: unknown) => (typeof each === "string" ? each : JSON.stringify(each));

const TRANSPORTS: readonly TransportName[] = ["websocket", "sse", "stream", "long-poll"];
const ENDLESS = TRANSPORTS.slice(0, 3);

const HALF = JSON.stringify(event("a:2")).slice(0, 40);
const BEGINNING = [open(), HEARTBEAT, event("a:1")];

/** What the server says to a client that has seen the first event. */
const REST = [open("a:1"), HEARTBEAT, event("a:2"), event("a:3")];

/** Says one event, then what is wrong, and the rest to the client that comes back. */
async function goWrong(transport: TransportName, wrong: Speech) {
  const whole = { ...wrong, says: [...BEGINNING, ...wrong.says] };
  // Each answer of a poll is one of its own.
  const speeches = transport === "long-poll" ? [{ says: BEGINNING }, wrong] : [whole];
  const server = await scripted([...speeches, { says: REST }]);
  const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
  client.subscribe("chat", "a:0");
  await client.count(3);
  expect(client.data()).toEqual(["a:1", "a:2", "a:3"]);
  expect(server.requests.at(speeches.length)?.url).toMatch(/[?&]from=a%3A1(&|$)/);
  return client.of("error").map(({ code }) => code);
}

describe.each(TRANSPORTS)("over %s", (transport) => {
  it("half a message at an end that looks well breaks the protocol; the whole one is handed on, later", async () => {
    expect(await goWrong(transport, { says: [], tail: HALF, ends: "well" })).toEqual(["protocol_error"]);
  });

  it.each([
    ["an event without an id", event(undefined)],
    ["an event whose id is no position", event("2")],
    ["an event whose id is a number", event(2)],
    ["an event of no channel", event("a:2", { channel: undefined })],
    ["an event of no type", event("a:2", { type: undefined })],
    ["an event without data", event("a:2", { data: undefined })],
    ["an event further on, without a gap", event("a:3")],
    ["an event of another epoch, without a gap", event("b:2")],
    ["a gap that ends nowhere", { type: "$gap", channel: "chat", after: "a:1", next: "", lost: 1, reason: "trimmed" }],
    ["a gap that does not say so", { type: "$gap", channel: "chat" }],
    ["a $close without a code", { type: "$close", reconnectMs: null }],
    ["an array", [event("a:2")]],
    ["a number", 2],
    ["null", null],
    ["a text", '"a:2"'],
    ["what is no JSON", "<html>"],
  ])("%s breaks the protocol, and is not handed on", async (_what, message) => {
    expect(await goWrong(transport, { says: [message] })).toEqual(["protocol_error"]);
  });

  it("what comes twice, or is not known, or was not asked for, does no harm", async () => {
    const harmless = [
      event("a:1"),
      { type: "$hello", from: "a later version" },
      event("a:0"),
      event("z:9", { channel: "other" }),
      { type: "$gap", channel: "chat", after: "a:0", next: "a:1", lost: 1, reason: "trimmed" },
      event("a:2", { more: "of a later version" }),
      event("a:3"),
    ];
    const server = await scripted([{ says: [...BEGINNING, ...harmless] }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.count(3);
    expect(client.data()).toEqual(["a:1", "a:2", "a:3"]);
    expect(client.of("gap")).toEqual([]);
    expect(client.of("error")).toEqual([]);
  });
});

// A WebSocket has no half messages: those are dropped below it.
it.each(["sse", "stream", "long-poll"] as const)(
  "half a message over %s where the connection broke is nobody's fault",
  async (transport) => {
    expect(await goWrong(transport, { says: [], tail: HALF, ends: "broken" })).toEqual([]);
  },
);

describe.each(ENDLESS)("over %s", (transport) => {
  it.each([
    ["an event", event("a:1")],
    ["a heartbeat", HEARTBEAT],
    ["an $open without a cursor", open("a:0", { cursor: undefined })],
    ["an $open whose cursor is none", open("somewhere")],
    ["an $open of another type", open("a:0", { heartbeatMs: "15s" })],
  ])("%s first breaks the protocol, and nothing of it is handed on", async (_what, message) => {
    const server = await scripted([{ says: [message, event("a:1"), HEARTBEAT] }, { says: BEGINNING }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.reaches("open");
    await client.count(1);
    expect(client.data()).toEqual(["a:1"]);
    expect(client.of("error").map(({ code }) => code)).toEqual(["protocol_error"]);
    expect(server.requests).toHaveLength(2);
  });

  it.each([0, -1, 0.5, 1e300])("lives with a promise of heartbeats every %d ms", async (heartbeatMs) => {
    const server = await scripted([{ says: [open("a:0", { heartbeatMs }), HEARTBEAT, event("a:1")] }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.reaches("open");
    await client.count(1);
    expect(client.of("error")).toEqual([]);
  });

  it.each([-1e300, 0, 1e300])("lives with a server whose clock says %d", async (time) => {
    const says = [open("a:0", { time }), { ...HEARTBEAT, time }, event("a:1", { time })];
    const server = await scripted([{ says }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.reaches("open");
    await client.count(1);
    expect(client.of("error")).toEqual([]);
  });

  it.each([2 ** 31, 2 ** 53, 1e300])(
    "waits where it is to come back in %d ms, and not in no time",
    async (reconnectMs) => {
      const close = { type: "$close", code: 1012, reason: "restarts", reconnectMs };
      const server = await scripted([{ says: [...BEGINNING, close] }, { says: REST }]);
      const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
      client.subscribe("chat");
      await client.reaches("waiting");
      client.push.close();
      await client.reaches("closed");
      expect(server.requests).toHaveLength(1);
    },
  );

  it.each([-1, 0, 0.5])("comes back at once where it is to in %d ms", async (reconnectMs) => {
    const close = { type: "$close", code: 1012, reason: "restarts", reconnectMs };
    const server = await scripted([{ says: [...BEGINNING, close] }, { says: REST }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    await client.count(3);
    expect(client.data()).toEqual(["a:1", "a:2", "a:3"]);
  });
});

describe("an end", () => {
  it.each(ENDLESS)("that is final is told with its reason over %s, and the client stays away", async (transport) => {
    const close = { type: "$close", code: 4403, reason: "not for you", reconnectMs: null };
    const server = await scripted([{ says: [...BEGINNING, close] }, { says: REST }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport] });
    client.subscribe("chat");
    const events = client.push.events("chat");
    await client.reaches("closed");
    expect(client.data()).toEqual(["a:1"]);
    expect(client.of("error").map(({ detail }) => detail)).toEqual([expect.stringContaining("4403 not for you")]);
    for await (const { id } of events) expect(id).toBe("a:1");
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [1000, "closed"],
    [1003, "closed"],
    [1008, "closed"],
    [4403, "closed"],
    [1001, "open"],
    [1011, "open"],
    [1012, "open"],
    [1013, "open"],
    [4401, "open"],
    [4429, "open"],
    [4999, "open"],
  ])("of a WebSocket with %d and no $close leaves the client %s", async (code, state) => {
    const server = await faultyServer({
      webSocket: () => (server.requests.length > 1 ? undefined : (socket) => socket.close(code, "said by the test")),
    });
    const client = nodeClient(server.url, { ...OPTIONS, transports: ["websocket"] });
    client.subscribe("chat");
    await client.reaches(state);
    expect(client.of("error")).toHaveLength(state === "closed" ? 1 : 0);
  });

  it.each(ENDLESS)(
    "that asks to come back at once, again and again, does not make the client run in circles (%s)",
    async (transport) => {
      const close = { type: "$close", code: 1013, reason: "again", reconnectMs: 0 };
      const server = await scripted(Array(1000).fill({ says: [open(), close] }));
      const { clock: _, ...options } = OPTIONS;
      const client = nodeClient(server.url, { ...options, transports: [transport] });
      client.subscribe("chat");
      const CIRCLES = 50;
      const isOver = () => client.state === "waiting" || server.requests.length > CIRCLES;
      await vi.waitFor(() => expect(isOver()).toBe(true), 15_000);
      expect(server.requests.length).toBeLessThan(CIRCLES);
    },
  );
});

describe("a token function", () => {
  const asProof = (transport: TransportName, { url = "", headers }: FaultyServer["requests"][number]) =>
    transport === "websocket" ? new URL(url, "http://server").searchParams.get("token") : headers.authorization;

  it.each(TRANSPORTS)("is asked for a fresh one at each connection over %s", async (transport) => {
    const server = await scripted([{ says: BEGINNING, ends: "broken" }, { says: REST }]);
    let count = 0;
    const token = () => `token ${++count} ü&`;
    const client = nodeClient(server.url, { ...OPTIONS, transports: [transport], token });
    client.subscribe("chat");
    await client.count(1);
    await client.until("another request", () => server.requests.length > 1);
    const proofs = server.requests.slice(0, 2).map((request) => asProof(transport, request));
    const scheme = transport === "websocket" ? "" : "Bearer ";
    expect(proofs).toEqual([`${scheme}token 1 ü&`, `${scheme}token 2 ü&`]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no token today");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no token today"))],
  ])("that %s is told, and asked again", async (_how, fail) => {
    const server = await scripted([{ says: BEGINNING }]);
    let count = 0;
    const token = () => (++count === 1 ? fail() : Promise.resolve("better"));
    const client = nodeClient(server.url, { ...OPTIONS, transports: ["stream"], token });
    client.subscribe("chat");
    await client.count(1);
    expect(client.of("error").map(({ detail }) => detail)).toEqual(["no token today"]);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer better"]);
  });
});

describe("an application's listener that throws", () => {
  const fails = () => {
    throw new Error("mine");
  };

  it("hinders neither the others nor what comes later, and is told", async () => {
    const server = await scripted([{ says: BEGINNING }, { says: REST }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: ["stream"] });
    client.push.on("state", fails);
    client.push.subscribe("chat", fails);
    client.subscribe("chat");
    await client.count(1);
    await client.until("three errors", () => client.of("error").length === 3);
    expect(client.of("error").map(({ detail }) => detail)).toEqual(["mine", "mine", "mine"]);
  });

  it("does not keep the client from coming back, where it is onError", async () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => reported.mockRestore());
    const server = await scripted([{ says: [...BEGINNING, null] }, { says: REST }]);
    const client = nodeClient(server.url, { ...OPTIONS, transports: ["stream"], onError: fails });
    client.subscribe("chat");
    await client.count(3);
    expect(client.data()).toEqual(["a:1", "a:2", "a:3"]);
  });
});
