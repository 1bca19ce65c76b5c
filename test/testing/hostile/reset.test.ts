/** Connections that are reset in the middle of an event. */

import { describe, expect, test } from "vitest";
import { eventUnits, frameUnits, lineUnits, type Units } from "../../../src/testing/hostile/units.ts";
import { resetInEvent } from "../../../src/testing/index.ts";
import { ask, between, ending, HANDSHAKE, SWITCHED } from "./stage.ts";

describe.each([
  ["text/event-stream", "event: a\ndata: 1\n\n", "data: 22\r\n\r\n", "data: 333\n\n"],
  ["application/x-ndjson; charset=utf-8", '{"a":1}\n', '{"bb":2}\n', '{"ccc":3}\n'],
  ["text/html", "<script>1</script>", "<script>2</script>", "<script>3</script>"],
])("resetInEvent in %s", (type, ...events) => {
  test("lets half of every third event through, counted over all connections", async () => {
    const net = await between(resetInEvent(3));
    for (const sent of [events, [...events].reverse()]) {
      const { client, server } = await ask(net);
      server.send(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
      await client.head();
      for (const event of sent) server.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      const [first, second, third = ""] = sent;
      expect([await client.chunk(), await client.chunk()]).toEqual([first, second]);
      expect(await client.chunk()).toBe(third.slice(0, Math.floor(third.length / 2)));
      expect([await ending(client), client.quiet]).toEqual(["reset", true]);
      await ending(server);
    }
    expect(net.proxy.counts).toMatchObject({ cuts: 2, faults: 2 });
  });

  test("counts them also where they come at once, or torn already", async () => {
    const net = await between(resetInEvent(3));
    const text = events.join("");
    for (const pieces of type === "text/html" ? [] : [[text], [...text]]) {
      const { client, server } = await ask(net);
      server.send(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`);
      for (const piece of pieces) server.send(piece);
      await ending(client);
    }
    expect(net.proxy.counts.cuts).toBe(type === "text/html" ? 0 : 2);
  });
});

describe("resetInEvent", () => {
  test("takes an answer of known length as one event", async () => {
    const net = await between(resetInEvent(2));
    const { client, server } = await ask(net);
    const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n12345678";
    server.send(answer);
    expect((await client.response()).body).toBe("12345678");
    const second = await ask(net);
    second.server.send(answer);
    await second.client.head();
    expect((await second.client.take(4)).toString()).toBe("1234");
    expect([await ending(second.client), second.client.quiet]).toEqual(["reset", true]);
  });

  test("tears a WebSocket's frames, with an end where that is wanted", async () => {
    const net = await between(resetInEvent(2, { ending: "fin" }));
    const { client, server } = await ask(net, HANDSHAKE);
    server.send(SWITCHED);
    await client.head();
    const frame = Buffer.from([0x81, 4, ..."text".split("").map((letter) => letter.charCodeAt(0))]);
    server.send(Buffer.concat([frame, frame]));
    expect(await client.rest()).toBe(Buffer.concat([frame, frame.subarray(0, 3)]).toString());
    await ending(server);
    expect(net.proxy.counts).toMatchObject({ cuts: 1, faults: 1 });
  });

  test("spares what is not meant", async () => {
    const net = await between(resetInEvent(1, { only: ({ method }) => method !== "GET" }));
    const { client, server } = await ask(net);
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    expect((await client.response()).body).toBe("hi");
  });

  test.each([0, 1.5, Number.NaN])("refuses to count to %s", (nth) => {
    expect(() => resetInEvent(nth)).toThrow(expect.objectContaining({ code: "misuse" }));
  });
});

describe("units end where they end, however their bytes are split", () => {
  const frame = (length: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(length));
    const head = length < 126 ? [length] : length < 65_536 ? [126, ...bytes.subarray(6)] : [127, ...bytes];
    return Buffer.concat([Buffer.from([0x82, ...head]), Buffer.alloc(length, 10)]);
  };

  test.each([
    ["lines", lineUnits, ["a\n", "\n", "bc\r\n"]],
    ["events with LF", eventUnits, ["data: 1\n\n", ": comment\n\n", "a\nb\n\n"]],
    ["events with CR", eventUnits, ["data: 1\r\r", "a\rb\r\r"]],
    ["frames", frameUnits, [frame(0), frame(5), frame(125), frame(126), frame(300)]],
  ] as const)("%s", (_, make, units) => {
    const parts = units.map((unit) => Buffer.from(unit));
    const whole = Buffer.concat(parts);
    let end = 0;
    const expected = parts.map((part) => (end += part.length));
    expect(endsOf(make(), [whole])).toEqual(expected);
    for (let at = 1; at < whole.length; at += 1) {
      expect(endsOf(make(), [whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    }
    expect(
      endsOf(
        make(),
        [...whole].map((byte) => Buffer.of(byte)),
      ),
    ).toEqual(expected);
  });

  test("events with CRLF, but for the last LF where it comes alone", () => {
    const bytes = Buffer.from("a\r\n\r\nb\r\n\r\n");
    expect(endsOf(eventUnits(), [bytes])).toEqual([5, 10]);
    expect(
      endsOf(
        eventUnits(),
        [...bytes].map((byte) => Buffer.of(byte)),
      ),
    ).toEqual([4, 9]);
  });

  test("frames of more than 64 KiB", () => {
    expect(endsOf(frameUnits(), [Buffer.concat([frame(70_000), frame(1)])])).toEqual([70_010, 70_013]);
  });
});

function endsOf(units: Units, chunks: readonly Buffer[]): readonly number[] {
  const ends: number[] = [];
  let before = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const end = units.end(chunk, from);
      if (end === undefined) break;
      ends.push(before + end);
      from = end;
    }
    before += chunk.length;
  }
  return ends;
}
