/** What an EventSource reads, over real sockets, in Node: each stream whole and byte by byte. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventSource } from "../../src/eventsource/index.ts";
import { createSseParser } from "../../src/wire/sse.ts";
import { utf8 } from "../wire/split.ts";
import { arbitraryStream, TYPES } from "./arbitrary-stream.ts";
import { record } from "./record.ts";
import { byteByByte, END, ended, open, scriptedServer, stream } from "./scripted-server.ts";
import { expected, STREAMS } from "./streams.ts";

describe("an EventSource reads a stream as the standard says", () => {
  for (const each of STREAMS) {
    it(each.name, async () => {
      const { url } = await scriptedServer({ "/": stream(Buffer.concat([each.body, utf8(END)])) });
      expect(await record(EventSource, { url, types: each.types ?? [] })).toEqual(expected(each, url));
    });

    it(`${each.name}, byte by byte`, async () => {
      const { url } = await scriptedServer({
        "/": async (_, response) => {
          await byteByByte(open(response), each.body);
          response.end(END);
        },
      });
      expect(await record(EventSource, { url, types: each.types ?? [] })).toEqual(expected(each, url));
    });
  }

  it("format-data-before-final-empty-line: what is not ended by a blank line is lost with the connection", async () => {
    const { url, requests } = await scriptedServer({
      "/": (_, response, count) => {
        open(response).end(count === 0 ? "retry:1\ndata:whole\n\nid:1\ndata:half\n" : END);
      },
    });
    expect(await record(EventSource, { url })).toEqual([
      "open 1",
      `message 1 "whole" id= ${url}`,
      "error 0",
      "open 1",
      ended("", url),
    ]);
    expect(requests("/")[1]?.headers).not.toHaveProperty("last-event-id");
  });

  it("cut anywhere, a stream gives the same events", async () => {
    const server = await scriptedServer();
    const cuts = fc.array(fc.nat(300), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(arbitraryStream, cuts, async (head, places) => {
        const body = Buffer.concat([head, utf8(END)]);
        server.on("/", async (_, response) => {
          open(response);
          let from = 0;
          for (const to of [...places.sort((a, b) => a - b), body.length]) {
            response.write(body.subarray(from, to));
            from = Math.max(from, to);
            await new Promise((resolve) => setImmediate(resolve));
          }
          response.end();
        });
        expect(await record(EventSource, { url: server.url, types: TYPES })).toEqual([
          "open 1",
          ...parsed(body).map(([type, data, id]) => `${type} 1 ${JSON.stringify(data)} id=${id} ${server.url}`),
        ]);
      }),
      { numRuns: 100 },
    );
  });
});

function parsed(body: Uint8Array): readonly (readonly [type: string, data: string, id: string])[] {
  const events: [string, string, string][] = [];
  createSseParser({ onEvent: ({ type, data, lastEventId }) => events.push([type, data, lastEventId]) }).push(body);
  return events;
}
