/** An HTTP server that answers as the test says, byte by byte if it wants. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../e2e/serve.ts";

/** @param count how many requests for this path came before */
export type Script = (request: IncomingMessage, response: ServerResponse, count: number) => unknown;

export interface ScriptedServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  /** Those that came for a path, without its query. */
  requests(path: string): readonly IncomingMessage[];
  /** Answers a path from now on. */
  on(path: string, script: Script): void;
}

/** Serves until the test is over; a path without a script is an empty page. */
export async function scriptedServer(scripts: Readonly<Record<string, Script>> = {}): Promise<ScriptedServer> {
  const known = new Map(Object.entries(scripts));
  const seen = new Map<string, IncomingMessage[]>();
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    const before = seen.get(path) ?? [];
    seen.set(path, [...before, request]);
    const script = known.get(path) ?? page;
    void script(request, response, before.length);
  });
  const { port, url } = await listen(server);
  return {
    port,
    url,
    requests: (path) => seen.get(path) ?? [],
    on(path, script) {
      known.set(path, script);
    },
  };
}

const page: Script = (_, response) => {
  response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>a page</title>");
};

/** The head of a stream, sent at once. */
export function open(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): ServerResponse {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store", ...headers });
  response.socket?.setNoDelay();
  response.flushHeaders();
  return response;
}

/** Sends each byte by itself, in a turn of its own. */
export async function byteByByte(response: ServerResponse, body: Uint8Array): Promise<void> {
  for (const byte of body) {
    response.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A stream that is sent whole, and ends. */
export const stream =
  (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Script =>
  (_, response) => {
    open(response, headers).end(body);
  };

/** Closes a {@link record}. */
export const END = "event: end\ndata\n\n";

/** What {@link record} notes of it. */
export const ended = (id: string, origin: string) => `end 1 "" id=${id} ${origin}`;
