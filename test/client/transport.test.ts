/** The client's HTTP transports, byte by byte: what they are given comes from the test, and is cut where it likes. */

import { beforeEach, describe, expect, it, vi } from "vitest";
import { connectWith } from "../../src/client/connect.ts";
import type { LinkRequest, Transport } from "../../src/client/link.ts";
import { sse } from "../../src/client/transport/sse.ts";
import { stream } from "../../src/client/transport/stream.ts";
import { xhrStream } from "../../src/client/transport/xhr-stream.ts";
import type { TailwireError } from "../../src/core/errors.ts";
import { ManualClock } from "../../src/testing/index.ts";
import type { Message } from "../../src/wire/message.ts";

/** One answer, as the test gives it. */
interface Answer {
  readonly url: string;
  readonly headers: Headers;
  /** Whether the client has given it up. */
  readonly aborted: boolean;
  write(bytes: Uint8Array): void;
  end(): void;
  break(): void;
}

const TIME = 1_790_000_000_000;
const MESSAGES: readonly Message[] = [
  { type: "$open", cursor: "a:0", heartbeatMs: 15_000, transport: "any", time: TIME },
  { id: "a:1", channel: "chat", type: "message", time: TIME, data: "ü🙂\u2028\n\r" },
  { type: "$heartbeat", time: TIME },
  { id: "a:2", channel: "chat", type: "a type", key: "k", time: TIME, data: { a: [null, "</script>"] } },
  { type: "$gap", channel: "chat", after: "a:2", next: "a:9", lost: 7, reason: "trimmed" },
];

const ndjson = (message: Message) => `${JSON.stringify(message)}\n`;
const event = (message: Message) => `event: message\ndata: ${JSON.stringify(message)}\nid: a:1\n\n`;

interface Case {
  readonly name: string;
  readonly transport: Transport;
  readonly frame: (message: Message) => string;
  readonly contentType: string;
}

const CASES: readonly Case[] = [
  { name: "sse", transport: sse, frame: event, contentType: "text/event-stream" },
  { name: "stream", transport: stream, frame: ndjson, contentType: "application/x-ndjson; charset=utf-8" },
  { name: "xhr-stream", transport: xhrStream, frame: ndjson, contentType: "application/x-ndjson" },
];

const bytesOf = (text: string) => new TextEncoder().encode(text);

let answers: Answer[];
let contentType: string;

beforeEach(() => {
  answers = [];
  vi.stubGlobal("fetch", fakeFetch);
  vi.stubGlobal("XMLHttpRequest", FakeXhr);
  return () => vi.unstubAllGlobals();
});

const ended = () => {}; // the client has given the answer up

async function fakeFetch(url: string, { headers, signal }: RequestInit): Promise<Response> {
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  answers.push({
    url,
    headers: new Headers(headers),
    get aborted() {
      return signal?.aborted ?? false;
    },
    write: (bytes) => void writer.write(bytes).catch(ended),
    end: () => void writer.close().catch(ended),
    break: () => void writer.abort(new TypeError("terminated")).catch(ended),
  });
  return new Response(body.readable, { headers: { "Content-Type": contentType } });
}

/** What the transport uses of XMLHttpRequest. */
class FakeXhr {
  readonly status = 200;
  withCredentials = false;
  onprogress: (() => void) | null = null;
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;
  responseText = "";
  #url = "";
  #aborted = false;
  readonly #headers = new Headers();
  readonly #decoder = new TextDecoder();

  open(_method: string, url: string): void {
    this.#url = url;
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  getResponseHeader(): string {
    return contentType;
  }

  send(): void {
    const isAborted = () => this.#aborted;
    answers.push({
      url: this.#url,
      headers: this.#headers,
      get aborted() {
        return isAborted();
      },
      write: (bytes) => {
        this.responseText += this.#decoder.decode(bytes, { stream: true });
        this.onprogress?.();
      },
      end: () => this.onload?.(),
      break: () => this.onerror?.(),
    });
  }

  abort(): void {
    this.#aborted = true;
  }
}

const REQUEST: LinkRequest = {
  base: "http://server/push/",
  channels: new Map([["chat", "now"]]),
  token: "a token",
  withCredentials: false,
  clock: new ManualClock(),
  WebSocket: undefined,
};

/** Opens a link that writes down what it tells. */
async function open(transport: Transport) {
  const told: (Message | TailwireError)[] = [];
  const link = transport.open(REQUEST, {
    message: (message) => told.push(message),
    heard() {},
    ended: (error) => told.push(error),
  });
  const answer = answers.at(-1) as Answer;
  return { link, answer, told };
}

/** Lets everything run that is ready to. */
const settle = () => new ManualClock().settleAsync();

describe.each(CASES)("$name", ({ transport, frame, contentType: type }) => {
  const whole = MESSAGES.map(frame).join("");
  const bytes = bytesOf(whole);

  beforeEach(() => {
    contentType = type;
  });

  it("asks for the channels from where it is to begin, with the token in a header", async () => {
    const { answer } = await open(transport);
    const url = new URL(answer.url);
    expect(`${url.origin}${url.pathname}`).toBe("http://server/push/channels/chat");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ format: "envelope", probe: "0.2" });
    expect(answer.headers.get("authorization")).toBe("Bearer a token");
    expect(type).toContain(answer.headers.get("accept"));
  });

  it("tells the same messages wherever their bytes are cut in two", async () => {
    for (let at = 1; at < bytes.length; at += 1) {
      const { answer, told } = await open(transport);
      answer.write(bytes.subarray(0, at));
      await settle();
      answer.write(bytes.subarray(at));
      await settle();
      expect(told).toEqual(MESSAGES);
    }
  });

  it("tells the same messages one byte at a time, each as soon as it is whole", async () => {
    const { answer, told } = await open(transport);
    const ends = MESSAGES.map(
      (_, index) =>
        bytesOf(
          MESSAGES.slice(0, index + 1)
            .map(frame)
            .join(""),
        ).length,
    );
    for (let at = 0; at < bytes.length; at += 1) {
      answer.write(bytes.subarray(at, at + 1));
      await settle();
      // All that follows the data of an event says nothing new.
      expect(told.length).toBeGreaterThanOrEqual(ends.filter((end) => end <= at + 1).length);
    }
    expect(told).toEqual(MESSAGES);
  });

  it("tells no part of a message, wherever the answer ends", async () => {
    for (let at = 0; at < bytes.length; at += 1) {
      const { answer, told } = await open(transport);
      answer.write(bytes.subarray(0, at));
      answer.end();
      await settle();
      const error = told.pop();
      expect(told).toEqual(MESSAGES.slice(0, told.length));
      const isTorn = at > 0 && bytes[at - 1] !== 10;
      expect(error).toMatchObject({ code: isTorn ? "protocol_error" : "unreachable" });
    }
  });

  it("takes line ends and comments that a proxy may have put there", async () => {
    const { answer, told } = await open(transport);
    answer.write(bytesOf(`\n${whole.replaceAll("\n", "\r\n")}\n`));
    await settle();
    expect(told).toEqual(MESSAGES);
  });

  it("tells a connection that broke as such", async () => {
    const { answer, told } = await open(transport);
    answer.write(bytes.subarray(0, -5));
    await settle();
    answer.break();
    await settle();
    expect(told.at(-1)).toMatchObject({ code: "unreachable" });
    expect(told.slice(0, -1)).toEqual(MESSAGES.slice(0, told.length - 1));
  });

  it("tells nothing more once it was closed, and gives the answer up", async () => {
    const { link, answer, told } = await open(transport);
    answer.write(bytes.subarray(0, 20));
    link.close();
    answer.write(bytes.subarray(20));
    answer.break();
    await settle();
    expect(told).toEqual([]);
    expect(answer.aborted).toBe(true);
  });

  it("tells nothing more once a message broke the protocol, and gives the answer up", async () => {
    const { answer, told } = await open(transport);
    answer.write(bytesOf(`${frame(MESSAGES[0] as Message)}${frame({} as Message)}${whole}`));
    await settle();
    answer.end();
    await settle();
    expect(told).toEqual([MESSAGES[0], expect.objectContaining({ code: "protocol_error" })]);
    expect(answer.aborted).toBe(true);
  });

  it("does not take a long message on a slow line for silence", async () => {
    const clock = new ManualClock();
    const heard: unknown[] = [];
    const push = connectWith([transport], "http://server/", { clock, onError() {} });
    push.subscribe("chat", ({ data }) => heard.push(data));
    await clock.settleAsync();
    const [first] = answers;
    const time = clock.now();
    const opening: readonly Message[] = [{ ...MESSAGES[0], time } as Message, { type: "$heartbeat", time }];
    first?.write(bytesOf(opening.map(frame).join("")));
    await clock.settleAsync();
    expect(push.state).toBe("open");
    const data = "0123456789".repeat(100);
    const message = bytesOf(frame({ id: "a:1", channel: "chat", type: "message", time, data }));
    for (let at = 0; at < message.length; at += 50) {
      first?.write(message.subarray(at, at + 50));
      await clock.advanceAsync(5000);
    }
    expect({ heard: heard.length, answers: answers.length }).toEqual({ heard: 1, answers: 1 });
    push.close();
  });
});

describe("xhr-stream", () => {
  const { transport, contentType: type } = CASES[2] as Case;

  it("asks once to be opened anew when the answer's text has become long, and goes on until then", async () => {
    contentType = type;
    const { answer, told } = await open(transport);
    answer.write(bytesOf(ndjson(MESSAGES[0] as Message)));
    const long = (n: number) =>
      ndjson({ id: `a:${n}`, channel: "chat", type: "message", time: TIME, data: "ü".repeat(100_000) });
    for (let n = 1; n <= 12; n += 1) answer.write(bytesOf(long(n)));
    const closes = told.filter((message) => "type" in message && message.type === "$close");
    expect(closes).toEqual([expect.objectContaining({ reconnectMs: 0 })]);
    expect(told).toHaveLength(14);
    expect(told.indexOf(closes[0] as Message)).toBe(12);
  });
});
