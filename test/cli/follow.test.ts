import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Failure } from "../../src/cli/failure.ts";
import { follow } from "../../src/cli/follow.ts";

type Answer = (res: ServerResponse, req: IncomingMessage) => void;

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

describe("following a channel", () => {
  it("goes on from the last event when the connection breaks, and drops what came before", async () => {
    const { url, asked } = await answering([
      (res) => breakOff(stream(res, open("e:0"), event(1), event(2)), '{"id":"e:3","chan'),
      (res) => stream(res, open("e:2"), event(2), event(3)),
    ]);
    const told: string[] = [];
    expect(await take(3, { url, told })).toEqual(["e:1", "e:2", "e:3"]);
    expect(asked).toEqual(["earliest", "e:2"]);
    expect(told).toEqual([
      expect.stringContaining(`no connection to ${url}: connection broken off`),
      "connected again",
    ]);
  });

  it("comes back when the server said, from after a gap", async () => {
    const gap = { type: "$gap", channel: "chat", after: "e:1", next: "e:40", lost: 39, reason: "trimmed" };
    const { url, asked } = await answering([
      (res) => stream(res, open("e:1"), gap, { type: "$close", code: 1001, reason: "restart", reconnectMs: 1 }),
      (res) => stream(res, open("e:40"), event(41)),
    ]);
    const told: string[] = [];
    expect(await take(2, { url, told })).toEqual(["gap 39", "e:41"]);
    expect(asked).toEqual(["earliest", "e:40"]);
    expect(told[0]).toContain("restart");
  });

  it("gives up a server that is silent for longer than two heartbeats", async () => {
    const { url, asked } = await answering([
      (res) => stream(res, open("e:5", 20)),
      (res) => stream(res, open("e:5"), event(6)),
    ]);
    const told: string[] = [];
    expect(await take(1, { url, told })).toEqual(["e:6"]);
    expect(asked).toEqual(["earliest", "e:5"]);
    expect(told[0]).toContain("silent for 0.04 s");
  });

  it("tries again after a fault of the server, and of what stands before it", async () => {
    const { url, asked } = await answering([
      (res) => res.writeHead(502).end("<html>"),
      (res) => res.writeHead(429).end(),
      (res) => breakOff(res),
      (res) => stream(res, "no message", event(9)),
      (res) => stream(res, open("e:0"), event(1)),
    ]);
    expect(await take(1, { url })).toEqual(["e:1"]);
    expect(asked).toEqual(Array(5).fill("earliest"));
  });

  it("fails where the server refuses, in the server's words", async () => {
    const problem = { type: "about:blank", status: 400, code: "invalid_channel", detail: "not a name" };
    const { url } = await answering([
      (res) => res.writeHead(400, { "Content-Type": "application/problem+json" }).end(JSON.stringify(problem)),
    ]);
    await expect(take(1, { url })).rejects.toThrow(new Failure("not a name (400 invalid_channel)"));
  });

  it("fails where the server does not want it back, or is not one of ours", async () => {
    const close = { type: "$close", code: 1008, reason: "go away", reconnectMs: null };
    const away = await answering([(res) => stream(res, open("e:0"), close)]);
    await expect(take(1, away)).rejects.toThrow("ended by the server: go away");
    server?.close();
    const page = await answering([(res) => res.writeHead(200, { "Content-Type": "text/html" }).end("<html>")]);
    await expect(take(1, page)).rejects.toThrow("is not a Tailwire server's: it answered with text/html");
  });
});

/** The ids of the first events, and the gaps. */
async function take(count: number, { url, told = [] }: { url: string; told?: string[] }): Promise<readonly string[]> {
  const taken: string[] = [];
  const options = { url, channels: ["chat"], from: "earliest", tell: (text: string) => void told.push(text) };
  for await (const followed of follow(options)) {
    taken.push(followed.kind === "event" ? followed.event.id : `gap ${followed.gap.lost}`);
    if (taken.length === count) break;
  }
  return taken;
}

/** A server that gives these answers in turn, and notes what `from` was asked. */
async function answering(answers: readonly Answer[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  server = createServer((req, res) => {
    asked.push(new URL(req.url ?? "", "http://localhost").searchParams.get("from") ?? "");
    answers[asked.length - 1]?.(res, req);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function stream(res: ServerResponse, ...messages: readonly (object | string)[]): ServerResponse {
  res.writeHead(200, { "Content-Type": "application/x-ndjson" });
  res.write(messages.map((message) => `${typeof message === "string" ? message : JSON.stringify(message)}\n`).join(""));
  return res;
}

function breakOff(res: ServerResponse, lastBytes = ""): void {
  if (lastBytes === "") res.destroy();
  else res.write(lastBytes, () => res.destroy());
}

function open(cursor: string, heartbeatMs = 15_000): object {
  return { type: "$open", cursor, heartbeatMs, transport: "stream", time: 1 };
}

function event(offset: number): object {
  return { id: `e:${offset}`, channel: "chat", type: "message", time: 1, data: "x" };
}
