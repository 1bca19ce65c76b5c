/** What an EventSource asks a server for, and what it makes of the answers: over real sockets, in Node. */

import { createServer, type IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { EventSource } from "../../src/eventsource/index.ts";
import { listen } from "../e2e/serve.ts";
import { record } from "./record.ts";
import { END, ended, open, type Script, scriptedServer, stream } from "./scripted-server.ts";

/** A stream each time, the first of which asks to be asked again at once. */
const streams =
  (...bodies: readonly string[]): Script =>
  (_, response, count) => {
    open(response).end(`${count === 0 ? "retry:1\n" : ""}${bodies[count] ?? END}`);
  };

const lastEventIds = (requests: readonly IncomingMessage[]) =>
  requests.map(({ headers }) => Buffer.from(String(headers["last-event-id"]), "latin1").toString());

describe("a request", () => {
  it("request-accept, request-cache-control: is a GET for an event stream, past every cache", async () => {
    const { url, requests } = await scriptedServer({ "/": stream(END) });
    await record(EventSource, { url });
    expect(requests("/")[0]).toMatchObject({
      method: "GET",
      headers: { accept: "text/event-stream", "cache-control": "no-cache" },
    });
    expect(requests("/")[0]?.headers).not.toHaveProperty("last-event-id");
  });

  it("carries the headers of the init dictionary, also when it comes back", async () => {
    const { url, requests } = await scriptedServer({ "/": streams("id:1\ndata:x\n\n", "id:2\ndata:x\n\n") });
    const headers = { Authorization: "Bearer secret", "Last-Event-ID": "from before" };
    await record(EventSource, { url, init: { headers } });
    expect(requests("/").map(({ headers: sent }) => sent.authorization)).toEqual(Array(3).fill("Bearer secret"));
    expect(lastEventIds(requests("/"))).toEqual(["from before", "1", "2"]);
  });

  it("format-field-id: carries the last id, in UTF-8", async () => {
    const { url, requests } = await scriptedServer({ "/": streams("id:…ü🙂\ndata:x\n\n") });
    expect(await record(EventSource, { url })).toEqual([
      "open 1",
      `message 1 "x" id=…ü🙂 ${url}`,
      "error 0",
      "open 1",
      ended("…ü🙂", url),
    ]);
    expect(lastEventIds(requests("/"))).toEqual(["undefined", "…ü🙂"]);
  });

  it("format-field-id-2: carries it over streams without one, and none once it was emptied", async () => {
    const { url, requests } = await scriptedServer({ "/": streams("id:1\ndata\n\n", "data\n\n", "id\ndata\n\n") });
    await record(EventSource, { url });
    expect(lastEventIds(requests("/"))).toEqual(["undefined", "1", "1", "undefined"]);
  });

  it("eventsource-request-cancellation: is given up by close(), before the answer and inside it", async () => {
    const { url, on, requests } = await scriptedServer();
    for (const isAnswered of [false, true]) {
      const source = await new Promise<EventSource>((resolve) => {
        const connected = new EventSource(url);
        connected.onopen = () => resolve(connected);
        on("/", (_, response) => (isAnswered ? open(response) : resolve(connected)));
      });
      const gone = closed(requests("/").at(-1));
      source.onerror = source.onmessage = () => expect.unreachable();
      source.close();
      expect(source.readyState).toBe(2);
      await gone;
    }
  });
});

describe("an answer", () => {
  it.each([204, 205, 210, 299, 404, 410, 500, 503])("request-status-error: %i fails for good", async (status) => {
    const { url } = await scriptedServer({
      "/": (_, response) => response.writeHead(status, { "Content-Type": "text/event-stream" }).end(),
    });
    expect(await record(EventSource, { url })).toEqual(["error 2"]);
  });

  it.each(["text/x-bogus", "x bogus", "text/event-stream-x"])("format-mime-bogus: %s fails for good", async (type) => {
    const { url } = await scriptedServer({ "/": stream(END, { "Content-Type": type }) });
    expect(await record(EventSource, { url })).toEqual(["error 2"]);
  });

  it.each([
    ["format-mime-trailing-semicolon", "text/event-stream;"],
    ["format-mime-valid-bogus", "text/event-stream;charset=windows-1252"],
    ["format-mime: in capitals", "Text/EVENT-stream; charset=UTF-8"],
  ])("%s is read as UTF-8", async (_, type) => {
    const { url } = await scriptedServer({ "/": stream(`data:ü…\n\n${END}`, { "Content-Type": type }) });
    expect(await record(EventSource, { url })).toEqual(["open 1", `message 1 "ü…" id= ${url}`, ended("", url)]);
  });

  it.each([
    ["with a status of its own", 404, "text/event-stream"],
    ["of another type", 200, "text/plain"],
  ])("that is refused, %s, is not read to its end", async (_, status, type) => {
    const { url, requests } = await scriptedServer({
      "/": (_, response) => response.writeHead(status, { "Content-Type": type }).write("data:x\n\n"),
    });
    expect(await record(EventSource, { url })).toEqual(["error 2"]);
    await closed(requests("/")[0]);
  });

  it("may be empty", async () => {
    const { url } = await scriptedServer({
      "/": (_, response, count) => {
        if (count === 0) open(response).end("retry:1\n\n");
        else open(response, count === 1 ? { "Content-Length": "0" } : {}).end(count === 1 ? "" : END);
      },
    });
    const again = ["error 0", "open 1"];
    expect(await record(EventSource, { url })).toEqual(["open 1", ...again, ...again, ended("", url)]);
  });

  it("may be compressed", async () => {
    const body = gzipSync(`id:1\ndata:x\n\n${END}`);
    const { url } = await scriptedServer({ "/": stream(body, { "Content-Encoding": "gzip" }) });
    expect(await record(EventSource, { url })).toEqual(["open 1", `message 1 "x" id=1 ${url}`, ended("1", url)]);
  });

  it("of many megabytes is read whole over one connection, whatever maxResponseBytes is", async () => {
    const data = "x".repeat(1_000);
    const { url, requests } = await scriptedServer({ "/": stream(`data:${data}\n\n`.repeat(5_000) + END) });
    const lines = await record(EventSource, { url, init: { maxResponseBytes: 1_000 } });
    expect(lines).toHaveLength(5_002);
    expect(requests("/")).toHaveLength(1);
  });
});

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])(
    "request-redirect: %i is followed; events have the origin it leads to",
    async (status) => {
      const target = await scriptedServer({ "/": streams("id:1\ndata:x\n\n") });
      const { url, requests } = await scriptedServer({
        "/": (_, response) => response.writeHead(status, { Location: `${target.url}/` }).end(),
      });
      expect(await record(EventSource, { url })).toEqual([
        "open 1",
        `message 1 "x" id=1 ${target.url}`,
        "error 0",
        "open 1",
        ended("1", target.url),
      ]);
      // It comes back to where it was sent from, with its id.
      expect(lastEventIds(requests("/"))).toEqual(["undefined", "1"]);
      expect(lastEventIds(target.requests("/"))).toEqual(["undefined", "1"]);
    },
  );

  it("leaves the url as it was", async () => {
    const { url, on } = await scriptedServer({ "/to": stream("") });
    on("/", (_, response) => response.writeHead(302, { Location: "/to" }).end());
    const source = new EventSource(`${url}/`);
    await new Promise((resolve) => {
      source.onopen = resolve;
    });
    source.close();
    expect(source.url).toBe(`${url}/`);
  });

  it("to nowhere fails for good; one without end is a network error", async () => {
    const { url } = await scriptedServer({
      "/nowhere": (_, response) => response.writeHead(301).end(),
      "/circle": (_, response) => response.writeHead(302, { Location: "/circle" }).end(),
    });
    expect(await record(EventSource, { url: `${url}/nowhere` })).toEqual(["error 2"]);
    expect(await record(EventSource, { url: `${url}/circle`, entries: 1 })).toEqual(["error 0"]);
  });
});

describe("a connection", () => {
  it("eventsource-reconnect, -close: comes back until it is refused", async () => {
    const { url } = await scriptedServer({
      "/": (_, response, count) => {
        if (count < 3) open(response).end(`retry:1\ndata:${count}\n\n`);
        else response.writeHead(204).end();
      },
    });
    const each = (count: number) => ["open 1", `message 1 "${count}" id= ${url}`, "error 0"];
    expect(await record(EventSource, { url })).toEqual([...each(0), ...each(1), ...each(2), "error 2"]);
  });

  it("that breaks before the answer, in its head, in an event and before its promised end comes back", async () => {
    const { url, requests } = await scriptedServer({
      "/": (request, response, count) => {
        if (count === 0) open(response).end("retry:1\nid:0\ndata:0\n\n");
        else if (count === 1) request.socket.destroy();
        else if (count === 2) request.socket.write("HTTP/1.1 200 OK\r\nContent-Ty", () => request.socket.destroy());
        else if (count === 3)
          open(response).write("id:3\ndata:3\n\nid:4\ndata:ha", () => request.socket.resetAndDestroy());
        else if (count === 4)
          open(response, { "Content-Length": "99" }).write("id:4\ndata:4\n\n", () => request.socket.end());
        else open(response).end(END);
      },
    });
    const event = (count: number) => ["open 1", `message 1 "${count}" id=${count} ${url}`, "error 0"];
    const lines = await record(EventSource, { url });
    expect(lines).toEqual([...event(0), "error 0", "error 0", ...event(3), ...event(4), "open 1", ended("4", url)]);
    expect(lastEventIds(requests("/"))).toEqual(["undefined", "0", "0", "0", "3", "4"]);
  });

  it("that cannot be made is tried again", async () => {
    const server = createServer();
    const { url } = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await record(EventSource, { url, entries: 1 })).toEqual(["error 0"]);
  });

  it("comes back after a 5xx where that is wanted, and has its id", async () => {
    const { url, requests } = await scriptedServer({
      "/": (_, response, count) => {
        if (count === 0) open(response).end("retry:1\nid:1\ndata:x\n\n");
        else if (count === 1) response.writeHead(503, { "Content-Type": "text/html" }).end("<h1>busy</h1>");
        else open(response).end(END);
      },
    });
    const lines = await record(EventSource, { url, init: { reconnectOnServerError: true } });
    expect(lines).toEqual(["open 1", `message 1 "x" id=1 ${url}`, "error 0", "error 0", "open 1", ended("1", url)]);
    expect(lastEventIds(requests("/"))).toEqual(["undefined", "1", "1"]);
  });

  it("of one source has nothing to do with that of another", async () => {
    const { url } = await scriptedServer({
      "/a": streams("id:a\nevent:x\ndata:1\n\n"),
      "/b": streams("data:2\n\n"),
    });
    const [a, b] = await Promise.all(["/a", "/b"].map((path) => record(EventSource, { url: url + path })));
    expect(a?.at(-1)).toBe(ended("a", url));
    expect(b?.[1]).toBe(`message 1 "2" id= ${url}`);
  });
});

/** Once the client's end of the connection is gone. */
function closed(request: IncomingMessage | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    if (request === undefined || request.socket.destroyed) resolve(undefined);
    else request.socket.once("close", resolve);
  });
}
