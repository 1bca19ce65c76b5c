/** What the drivers of HTTP transports share: one request, and the way to its answer. */

import { Agent, get, type IncomingMessage } from "node:http";
import { type ConnectOptions, type DriverMessage, TransportRefusal } from "../../../src/testing/index.ts";
import { parseMessage } from "../../../src/wire/message.ts";

/** One client's requests, all over one socket. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #signal: AbortSignal | undefined;
  readonly #vanish: () => void;
  #answer: IncomingMessage | undefined;
  #request: ReturnType<typeof get> | undefined;
  closed = false;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#vanish = () => {
      this.#request?.socket?.resetAndDestroy();
      this.close();
    };
    signal?.addEventListener("abort", this.#vanish, { once: true });
  }

  /** Settles with the answer's head. */
  get(url: URL, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent, headers });
      this.#request = request;
      request.on("error", reject);
      request.on("response", (answer) => {
        this.#answer = answer;
        answer.on("error", () => {}); // seen as its end
        resolve(answer);
      });
      if (this.closed) request.destroy();
    });
  }

  pause(): void {
    this.#answer?.pause();
  }

  resume(): void {
    this.#answer?.resume();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#signal?.removeEventListener("abort", this.#vanish);
    this.#request?.destroy();
    this.#agent.destroy();
  }
}

/** The URL and the headers of a request. */
export function requestFor(
  url: string,
  query: Readonly<Record<string, string>>,
  { from, lastEventId }: ConnectOptions,
): { readonly url: URL; readonly headers: Readonly<Record<string, string>> } {
  const full = new URL(url);
  for (const [name, value] of Object.entries(query)) full.searchParams.set(name, value);
  if (from !== undefined) full.searchParams.set("from", from);
  return { url: full, headers: lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId } };
}

/** The names as they stand in the URL. */
export function channelsOf(url: string): string {
  return new URL(url).pathname.replace(/^.*\/channels\//, "");
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Throws where the answer is an error. */
export async function refuseErrors(answer: IncomingMessage): Promise<void> {
  const status = answer.statusCode ?? 0;
  if (status === 200 || status === 304) return;
  throw refusalOf(status, await textOf(answer));
}

export function refusalOf(status: number, body: string): TransportRefusal {
  const problem = JSON.parse(body) as { readonly code?: unknown };
  return new TransportRefusal(status, String(problem.code ?? ""));
}

/** One message of the protocol. */
export function messageOf(json: string): DriverMessage {
  const message = parseMessage(json);
  if (message === undefined || message.type === "$ack" || message.type === "$error") {
    throw new Error(`this is no message: ${json}`);
  }
  return message as DriverMessage;
}
