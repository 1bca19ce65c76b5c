/** A client that breaks RFC 6455 gets the RFC's close code, and nothing of what it broke is published. */

import { describe, expect, it } from "vitest";
import { clientFrame, OPCODES, rawWebSocket } from "../e2e/raw-websocket.ts";
import { dataOf, serve } from "../e2e/serve.ts";

const { text, binary, continuation, close, ping, pong } = OPCODES;
const bytes = (...list: number[]) => Buffer.from(list);

/** Each with the section that it breaks. */
const VIOLATIONS: readonly (readonly [string, number, readonly Buffer[]])[] = [
  ["5.1: an unmasked frame", 1002, [clientFrame({ opcode: text, payload: bytes(0x68), masked: false })]],
  ["5.2: RSV1 without an extension", 1002, [clientFrame({ opcode: text, payload: bytes(0x68), rsv: 4 })]],
  ["5.2: RSV2", 1002, [clientFrame({ opcode: text, payload: bytes(0x68), rsv: 2 })]],
  ["5.2: RSV3", 1002, [clientFrame({ opcode: text, payload: bytes(0x68), rsv: 1 })]],
  ["5.2: RSV1 on a control frame", 1002, [clientFrame({ opcode: ping, rsv: 4 })]],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`5.2: the reserved opcode ${opcode}`, 1002, [clientFrame({ opcode })]] as const,
  ),
  ["5.4: a continuation of nothing", 1002, [clientFrame({ opcode: continuation, payload: bytes(0x68) })]],
  [
    "5.4: a new message inside a fragmented one",
    1002,
    [
      clientFrame({ opcode: text, fin: false, payload: bytes(0x68) }),
      clientFrame({ opcode: text, payload: bytes(0x69) }),
    ],
  ],
  ["5.5: a fragmented ping", 1002, [clientFrame({ opcode: ping, fin: false })]],
  ["5.5: a fragmented close", 1002, [clientFrame({ opcode: close, fin: false })]],
  ["5.5: a ping of 126 bytes", 1002, [clientFrame({ opcode: ping, payload: Buffer.alloc(126) })]],
  ["5.5: a pong of 126 bytes", 1002, [clientFrame({ opcode: pong, payload: Buffer.alloc(126) })]],
  ["5.5.1: a close of one byte", 1002, [clientFrame({ opcode: close, payload: bytes(3) })]],
  ["7.4: the close code 1005", 1002, [clientFrame({ opcode: close, payload: bytes(0x03, 0xed) })]],
  ["7.4: the close code 999", 1002, [clientFrame({ opcode: close, payload: bytes(0x03, 0xe7) })]],
  ["7.4: the close code 5000", 1002, [clientFrame({ opcode: close, payload: bytes(0x13, 0x88) })]],
  ["5.5.1: a close reason that is not UTF-8", 1007, [clientFrame({ opcode: close, payload: bytes(0x03, 0xe8, 0xff) })]],
  ["8.1: text that is not UTF-8", 1007, [clientFrame({ opcode: text, payload: bytes(0x68, 0xff) })]],
  ["8.1: a lone surrogate", 1007, [clientFrame({ opcode: text, payload: bytes(0xed, 0xa0, 0x80) })]],
  [
    "8.1: fragmented text that is not UTF-8",
    1007,
    [
      clientFrame({ opcode: text, fin: false, payload: bytes(0xe2, 0x82) }),
      clientFrame({ opcode: continuation, payload: bytes(0x28) }),
    ],
  ],
];

describe.each([
  ["raw", {}],
  ["tailwire.v1", { "Sec-WebSocket-Protocol": "tailwire.v1" }],
])("%s: a client that breaks the rules", (_, offered) => {
  it.each(VIOLATIONS)("%s: close %d", async (_rule, code, frames) => {
    const { port, url, store, hub } = await serve();
    const socket = await rawWebSocket(port, "/channels/news", offered);
    for (const frame of frames) socket.connection.send(frame);
    expect(await socket.closeCode()).toBe(code);
    expect(await socket.connection.rest()).toBe("");
    await store.whenFollowed(0);
    await hub.publish("news", "well");
    expect(await dataOf(url, "news")).toEqual(["well"]);
  });

  it("10.4: a message that is too big is refused by its announced length: close 1009", async () => {
    const { port, store } = await serve();
    const socket = await rawWebSocket(port, "/channels/news", offered);
    const head = clientFrame({ opcode: binary }).subarray(0, 1);
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(2n ** 40n);
    socket.connection.send(Buffer.concat([head, bytes(0x80 | 127), length, bytes(0, 0, 0, 0)]));
    expect(await socket.closeCode()).toBe(1009);
    await store.whenFollowed(0);
  });

  it("10.4: fragments that are too big together: close 1009, before the last has come", async () => {
    const { port, store } = await serve({ hub: { maxEventBytes: 10_000 } });
    const socket = await rawWebSocket(port, "/channels/news", offered);
    const payload = Buffer.alloc(20_000, 0x78);
    socket.connection.send(clientFrame({ opcode: text, fin: false, payload }));
    socket.connection.send(clientFrame({ opcode: continuation, fin: false, payload }));
    expect(await socket.closeCode()).toBe(1009);
    await store.whenFollowed(0);
  });
});

describe("what the rules allow", () => {
  it("5.5.2: a ping is answered with a pong of the same data, up to 125 bytes", async () => {
    const { port } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    for (const size of [0, 1, 125]) {
      socket.send(Buffer.alloc(size, 7), "ping");
      const { opcode, payload, masked } = await socket.frame();
      expect([opcode, payload.length, masked]).toEqual([pong, size, false]);
    }
  });

  it("5.5.3: a pong that nobody asked for is passed over", async () => {
    const { port, hub } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    socket.send("unasked", "pong").send("hello");
    expect((await socket.frame()).payload.toString()).toBe("hello");
    await hub.publish("news", "live");
    expect((await socket.frame()).payload.toString()).toBe("live");
  });

  it.each([1000, 1001, 1011, 3000, 4999])("7.4: the close code %d", async (code) => {
    const { port } = await serve();
    const socket = await rawWebSocket(port, "/channels/news");
    socket.send(bytes(code >> 8, code & 255), "close");
    expect(await socket.closeCode()).toBe(code);
  });

  it("a client that breaks the rules leaves the others live", async () => {
    const { port, hub } = await serve();
    const other = await rawWebSocket(port, "/channels/news");
    const socket = await rawWebSocket(port, "/channels/news");
    socket.connection.send(clientFrame({ opcode: text, masked: false }));
    expect(await socket.closeCode()).toBe(1002);
    await hub.publish("news", "hello");
    expect((await other.dataFrame()).payload.toString()).toBe("hello");
  });
});
