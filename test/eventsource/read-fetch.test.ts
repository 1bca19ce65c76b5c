/** What only a fetch of the test's own shows: requests given up in the moment that something has come. */

import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { ReadListener } from "../../src/eventsource/read.ts";
import { readFetch } from "../../src/eventsource/read-fetch.ts";
import { turn } from "../../src/testing/waiting.ts";

/** A request whose answer the test gives. */
function request() {
  const heard: string[] = [];
  const listener: ReadListener = {
    head: (status) => heard.push(`head ${status}`),
    piece: (piece) => heard.push(`piece ${piece.length}`),
    end: () => heard.push("end"),
    aborted: () => heard.push("aborted"),
  };
  let answer: (response: Response) => void = () => {};
  vi.stubGlobal("fetch", () => new Promise<Response>((resolve) => (answer = resolve)));
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  const stop = readFetch({ url: "http://127.0.0.1", headers: {}, withCredentials: false }, listener);
  return { heard, stop, answer: (response: Response) => answer(response) };
}

describe("a request that is given up hears nothing more", () => {
  it("when its answer has just come", async () => {
    const { heard, stop, answer } = request();
    answer(new Response("x"));
    stop();
    await turn();
    expect(heard).toEqual([]);
  });

  it("when a piece has just come", async () => {
    let send: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        send = controller;
      },
    });
    const { heard, stop, answer } = request();
    answer(new Response(body));
    await turn();
    send?.enqueue(Uint8Array.of(1));
    await turn();
    send?.enqueue(Uint8Array.of(1, 2));
    stop();
    await turn();
    expect(heard).toEqual(["head 200", "piece 1"]);
  });
});

it("an answer without a body is one that ends", async () => {
  const { heard, answer } = request();
  answer(new Response(null));
  await turn();
  expect(heard).toEqual(["head 200", "end"]);
});
