/** Real Chromium: over XMLHttpRequest in a page and a worker, over fetch in a service worker, beside its own EventSource. */

import fc from "fast-check";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realPart } from "../e2e/real-parts.ts";
import { utf8 } from "../wire/split.ts";
import { arbitraryStream, TYPES } from "./arbitrary-stream.ts";
import { launch, PLACES, type Place, TIMEOUT_MS, testPage } from "./chromium.ts";
import { byteByByte, END, open, stream } from "./scripted-server.ts";
import { expected, STREAMS } from "./streams.ts";

const program = realPart("chromium");

describe.skipIf(program.missing)("in real Chromium", { timeout: TIMEOUT_MS }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch(program);
  });

  afterAll(() => browser?.close());

  describe("a stream", () => {
    const readers: readonly (readonly [string, Place, boolean])[] = [
      ["the browser's own EventSource", "a page", true],
      ...PLACES.map((place) => [`ours in ${place}`, place, false] as const),
    ];

    it.each(readers)("is read as the standard says by %s, whole and byte by byte", async (_, place, native) => {
      const { server, run } = await testPage(browser);
      for (const each of STREAMS) {
        const order = { url: "/stream", types: each.types ?? [], native };
        server.on("/stream", stream(Buffer.concat([each.body, utf8(END)])));
        expect(await run(place, order), each.name).toEqual(expected(each, server.url));
        if (each.body.length > 1_000) continue;
        server.on("/stream", async (_request, response) => {
          await byteByByte(open(response), each.body);
          response.end(END);
        });
        expect(await run(place, order), `${each.name}, byte by byte`).toEqual(expected(each, server.url));
      }
    });

    it("of any kind is read by ours as by the browser's own", async () => {
      const { server, run } = await testPage(browser);
      await fc.assert(
        // Chromium 156 loses the event that follows a byte order mark and a line break.
        fc.asyncProperty(
          arbitraryStream.filter((body) => !isMarkAndBreak(body)),
          fc.nat(200),
          async (body, cut) => {
            server.on("/stream", (_, response) => {
              open(response).write(body.subarray(0, cut));
              setImmediate(() => response.write(body.subarray(cut)));
              setImmediate(() => response.end(END));
            });
            const order = { url: "/stream", types: TYPES };
            const native = await run("a page", { ...order, native: true });
            for (const place of ["a page", "a service worker"] as const)
              expect(await run(place, order)).toEqual(native);
          },
        ),
        { numRuns: 100 },
      );
    });
  });
});

function isMarkAndBreak([a, b, c, d]: Uint8Array): boolean {
  return a === 0xef && b === 0xbb && c === 0xbf && (d === 0x0a || d === 0x0d);
}
