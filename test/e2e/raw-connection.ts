/** A bare TCP connection that speaks HTTP/1.1 byte by byte, so that a test sees what is on the wire and when. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface RawHead {
  readonly status: number;
  readonly version: string;
  /** By lower-case name; repeated ones joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface RawResponse extends RawHead {
  readonly body: string;
  json(): Record<string, unknown>;
}

export class RawConnection {
  readonly socket: Socket;
  #held = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", () => {}); // told by close
  }

  /** Whether everything that came has been taken. */
  get quiet(): boolean {
    return this.#held.length === 0;
  }

  send(data: string | Uint8Array): this {
    this.socket.write(data);
    return this;
  }

  /** Sends a request; a string body gets its Content-Length. */
  request(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: string): this {
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    const lines = Object.entries({ Host: "test", ...headers, ...length }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    return this.send(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`);
  }

  /** The next bytes, exactly so many. */
  async take(bytes: number): Promise<Buffer> {
    await this.#until(() => this.#held.length >= bytes, `${bytes} bytes`);
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  /** What comes before the next delimiter, which is taken too. */
  async takeTo(delimiter: string): Promise<string> {
    await this.#until(() => this.#held.includes(delimiter), JSON.stringify(delimiter));
    const text = (await this.take(this.#held.indexOf(delimiter))).toString();
    await this.take(delimiter.length);
    return text;
  }

  /** All that comes until the server ends the connection. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    return (await this.take(this.#held.length)).toString();
  }

  /** A response's head. */
  async head(): Promise<RawHead> {
    const [first = "", ...lines] = (await this.takeTo("\r\n\r\n")).split("\r\n");
    const [, version, status] = /^HTTP\/(\d\.\d) (\d{3}) /.exec(`${first} `) ?? [];
    if (version === undefined) throw new Error(`this is no status line: ${first}`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    return { status: Number(status), version, headers };
  }

  /** A whole response, framed by its Content-Length, its chunks, or as having no body. */
  async response(to: "GET" | "HEAD" = "GET"): Promise<RawResponse> {
    const head = await this.head();
    const body = to === "HEAD" || head.status === 304 || head.status === 204 ? "" : await this.#body(head);
    return { ...head, body, json: () => JSON.parse(body) as Record<string, unknown> };
  }

  /** The next chunk of a chunked body; "" for the last. */
  async chunk(): Promise<string> {
    return (await this.chunkBytes()).toString();
  }

  /** The same, of what is no text. */
  async chunkBytes(): Promise<Buffer> {
    const size = Number.parseInt(await this.takeTo("\r\n"), 16);
    const bytes = await this.take(size);
    await this.takeTo("\r\n");
    return bytes;
  }

  /** The next line of a chunked NDJSON stream. A chunk that holds more than one is an error of the test. */
  async message(): Promise<Record<string, unknown>> {
    const chunk = await this.chunk();
    if (chunk.indexOf("\n") !== chunk.length - 1) throw new Error(`not one line: ${JSON.stringify(chunk)}`);
    return JSON.parse(chunk) as Record<string, unknown>;
  }

  /** FIN. */
  end(): void {
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #body({ headers }: RawHead): Promise<string> {
    if (headers["content-length"] !== undefined) return (await this.take(Number(headers["content-length"]))).toString();
    if (headers["transfer-encoding"] !== "chunked") return this.rest();
    let body = "";
    for (let chunk = await this.chunk(); chunk !== ""; chunk = await this.chunk()) body += chunk;
    return body;
  }

  async #until(ready: () => boolean, what: string): Promise<void> {
    while (!ready()) {
      if (this.#ended) throw new Error(`the connection ended before ${what} came; there is ${this.#held.toString()}`);
      await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Connects to a port of this machine, until the test is over. */
export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  const connection = new RawConnection(socket);
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  socket.setNoDelay(); // what is sent is on the wire at once, in as many packets as there were calls
  return connection;
}
