/** One request over HTTP/1.1 or HTTP/2, read and written piece by piece while it is under way. */

import { once } from "node:events";
import { request as http1Request } from "node:http";
import { connect as http2Connect } from "node:http2";
import type { Duplex, Readable, Writable } from "node:stream";
import { onTestFinished } from "vitest";
import { conditions } from "../client/conditions.ts";
import type { RealProxy } from "./proxy.ts";

export type HttpVersion = "HTTP/1.1" | "HTTP/2";
export const VERSIONS: readonly HttpVersion[] = ["HTTP/1.1", "HTTP/2"];

export interface ExchangeOptions {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export class Exchange {
  readonly #body: Writable;
  readonly #conditions = conditions();
  /** The answer's head, once it is there. */
  readonly answered: Promise<{ readonly status: number; readonly headers: Headers; readonly stream: Readable }>;
  text = "";
  ended = false;

  constructor(
    body: Writable,
    answered: Promise<{ readonly status: number; readonly headers: Headers; readonly stream: Readable }>,
  ) {
    this.#body = body;
    this.answered = answered;
  }

  /** Reads the answer as text; without this its stream is left to the test. */
  read(): this {
    this.answered.then(
      ({ stream }) => {
        stream.setEncoding("utf8").on("data", (piece: string) => {
          this.text += piece;
          this.#conditions.changed();
        });
        stream.on("error", () => {}); // seen as its end
        stream.on("close", () => this.#end());
      },
      () => this.#end(), // broken off before there was any answer
    );
    return this;
  }

  #end(): void {
    this.ended = true;
    this.#conditions.changed();
  }

  /** Settles once the answer has this text, as often as that. */
  until(text: string, times = 1): Promise<void> {
    const has = () => this.text.split(text).length > times;
    return this.#conditions.until(`${times} × ${text}`, has, () => `${this.text.slice(-500)}, ended: ${this.ended}`);
  }

  /** Settles once the answer has ended, in order or not; gives all of it. */
  async whole(): Promise<string> {
    await this.#conditions.until(
      "the end",
      () => this.ended,
      () => this.text.slice(-500),
    );
    return this.text;
  }

  write(text: string): void {
    this.#body.write(text);
  }

  /** Breaks it off, as one who goes away. */
  abandon(): void {
    this.#body.destroy();
  }

  end(text = ""): this {
    if (!this.#body.writableEnded) this.#body.end(text); // a GET over HTTP/2 ends at once
    return this;
  }
}

/** Begins a request to a proxy; over HTTP/2 with TLS. Broken off when the test is over. */
export function begin(proxy: RealProxy, version: HttpVersion, path: string, options: ExchangeOptions = {}): Exchange {
  return version === "HTTP/1.1" ? begin1(proxy.url, path, options) : begin2(proxy.secureUrl, path, options);
}

/** A GET, whose answer is read. */
export function get(
  proxy: RealProxy,
  version: HttpVersion,
  path: string,
  headers = {},
  read: "read" | "not read" = "read",
): Exchange {
  const exchange = begin(proxy, version, path, { headers }).end();
  return read === "read" ? exchange.read() : exchange;
}

/** A POST, whole at once; gives the status and the body of the answer. */
export async function post(proxy: RealProxy, version: HttpVersion, path: string, body: string, headers = {}) {
  const exchange = begin(proxy, version, path, { method: "POST", headers }).end(body).read();
  const { status } = await exchange.answered;
  return { status, text: await exchange.whole() };
}

function begin1(url: string, path: string, { method = "GET", headers = {} }: ExchangeOptions): Exchange {
  const request = http1Request(`${url}${path}`, { method, headers, agent: false });
  onTestFinished(() => void request.destroy());
  request.on("error", () => {}); // told by the answer, or by its end
  const answered = once(request, "response").then(([answer]) => {
    return { status: answer.statusCode, headers: answer.headers, stream: answer };
  });
  return new Exchange(request, answered);
}

function begin2(url: string, path: string, { method = "GET", headers = {} }: ExchangeOptions): Exchange {
  const session = http2Connect(url, { rejectUnauthorized: false });
  onTestFinished(() => session.destroy());
  const stream: Duplex = session.request(
    { ":method": method, ":path": path, ...headers },
    { endStream: method === "GET" },
  );
  const answered = once(stream, "response").then(([head]) => ({ status: head[":status"], headers: head, stream }));
  return new Exchange(stream, answered);
}
