/** permessage-deflate (RFC 7692), from a bare socket. */

import { once } from "node:events";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { acceptDeflate } from "../../src/server/transport/websocket-deflate.ts";
import { type RawConnection, rawConnection } from "../e2e/raw-connection.ts";
import { clientFrame, handshakeHeaders, OPCODES, type RawFrame, RawWebSocket } from "../e2e/raw-websocket.ts";
import { type Served, serve } from "../e2e/serve.ts";

const BASE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const LONG = "a message that is worth the work. ".repeat(50);
const COMPRESSED = 4; // RSV1
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const inflate = ({ payload }: RawFrame, windowBits = 15) =>
  inflateRawSync(Buffer.concat([payload, TAIL]), { windowBits, finishFlush: constants.Z_SYNC_FLUSH }).toString();
const deflate = (text: string | Uint8Array) =>
  deflateRawSync(text, { windowBits: 10, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

interface Agreed extends Served {
  readonly socket: RawWebSocket;
  readonly connection: RawConnection;
}

async function agreed(query = "", extensions = "permessage-deflate", more = {}): Promise<Agreed> {
  const served = await serve({ handler: { compression: true } });
  const connection = await rawConnection(served.port);
  const headers = { ...handshakeHeaders(), "Sec-WebSocket-Extensions": extensions, ...more };
  connection.request("GET", `/channels/news${query}`, headers);
  return { ...served, connection, socket: new RawWebSocket(connection, await connection.head()) };
}

const TAILWIRE = { "Sec-WebSocket-Protocol": "tailwire.v1" };

describe("an offer of permessage-deflate", () => {
  it.each([
    ["permessage-deflate", BASE, 15],
    ["permessage-deflate; client_max_window_bits", `${BASE}; client_max_window_bits=10`, 15],
    ["permessage-deflate;client_max_window_bits=15", `${BASE}; client_max_window_bits=10`, 15],
    ['permessage-deflate; client_max_window_bits="9"', `${BASE}; client_max_window_bits=9`, 15],
    ["permessage-deflate; client_max_window_bits=8", BASE, 15],
    [
      "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
      `${BASE}; server_max_window_bits=12; client_max_window_bits=10`,
      12,
    ],
    ["permessage-deflate; server_max_window_bits=9", `${BASE}; server_max_window_bits=9`, 9],
    ["permessage-deflate; server_no_context_takeover; client_no_context_takeover", BASE, 15],
    ["x-other; a=b, permessage-deflate", BASE, 15],
    ["permessage-deflate; server_max_window_bits=8, permessage-deflate", BASE, 15],
    [
      "permessage-deflate; mystery, permessage-deflate; server_max_window_bits=11, permessage-deflate",
      `${BASE}; server_max_window_bits=11`,
      11,
    ],
    [" , permessage-deflate ,", BASE, 15],
  ])("%s is met", (offered, extension, windowBits) => {
    expect(acceptDeflate(offered)).toEqual({ extension, windowBits });
  });

  it.each([
    "",
    "x-webkit-deflate-frame",
    "Permessage-deflate2",
    "permessage-deflate; server_max_window_bits=8",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=09",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; __proto__",
    "permessage-deflate; constructor=1",
  ])("%j cannot be met: there is no extension", async (offered) => {
    expect(acceptDeflate(offered)).toBeUndefined();
    const { socket, hub } = await agreed("", offered);
    expect([socket.head.status, socket.head.headers["sec-websocket-extensions"]]).toEqual([101, undefined]);
    await hub.publish("news", LONG);
    expect(await socket.dataFrame()).toMatchObject({ rsv: 0, payload: Buffer.from(LONG) });
  });

  it.each(["permessage deflate", "permessage-deflate; =1", "permessage-deflate; a=", ";", 'a; b="c d"'])(
    "%j is no offer: 400",
    async (offered) => {
      const { port } = await serve({ handler: { compression: true } });
      const client = await rawConnection(port);
      const bad = { ...handshakeHeaders(), "Sec-WebSocket-Extensions": offered };
      const { status, json } = await client.request("GET", "/channels/news", bad).response();
      expect([status, json().code]).toEqual([400, "invalid_handshake"]);
    },
  );

  it("is passed over where compression is off", async () => {
    const { port, hub } = await serve();
    const connection = await rawConnection(port);
    const headers = { ...handshakeHeaders(), "Sec-WebSocket-Extensions": "permessage-deflate" };
    const head = await connection.request("GET", "/channels/news", headers).head();
    expect([head.status, head.headers["sec-websocket-extensions"]]).toEqual([101, undefined]);
    await hub.publish("news", LONG);
    expect((await new RawWebSocket(connection, head).dataFrame()).rsv).toBe(0);
  });

  it("is answered in the handshake as it was met", async () => {
    const { socket } = await agreed("", "permessage-deflate; client_max_window_bits; server_max_window_bits=13");
    expect(socket.head.headers["sec-websocket-extensions"]).toBe(
      `${BASE}; server_max_window_bits=13; client_max_window_bits=10`,
    );
  });
});

describe("with permessage-deflate", () => {
  it("a long message is compressed, a short one is not", async () => {
    const { socket, hub } = await agreed();
    await hub.publish("news", "short");
    expect(await socket.frame()).toMatchObject({
      fin: true,
      rsv: 0,
      opcode: OPCODES.text,
      payload: Buffer.from("short"),
    });
    await hub.publish("news", LONG);
    const frame = await socket.frame();
    expect(frame).toMatchObject({ fin: true, rsv: COMPRESSED, opcode: OPCODES.text });
    expect(frame.payload.length).toBeLessThan(100);
    expect(inflate(frame)).toBe(LONG);
  });

  it("each message stands on its own, as binary too", async () => {
    const { socket, hub } = await agreed();
    await hub.publish("news", Buffer.from(LONG));
    await hub.publish("news", Buffer.from(LONG));
    const frames = [await socket.frame(), await socket.frame()];
    for (const frame of frames) {
      expect(frame).toMatchObject({ rsv: COMPRESSED, opcode: OPCODES.binary });
      expect(inflate(frame)).toBe(LONG);
    }
    expect(frames[0]).toEqual(frames[1]);
  });

  it("a frame for each message in envelopes, and of those only the long ones compressed", async () => {
    const { socket, hub } = await agreed("?format=envelope");
    expect((await socket.frame()).rsv).toBe(0); // $open
    await Promise.all([hub.publish("news", "short"), hub.publish("news", LONG)]);
    const [short, long] = [await socket.frame(), await socket.frame()];
    expect([short.rsv, long.rsv]).toEqual([0, COMPRESSED]);
    expect(JSON.parse(inflate(long))).toMatchObject({ data: LONG });
  });

  it("tailwire.v1 compresses a flush as the one message that it is", async () => {
    const { socket, hub } = await agreed("", "permessage-deflate", TAILWIRE);
    expect(await socket.message()).toMatchObject({ type: "$open" });
    await Promise.all(Array.from({ length: 20 }, (_, n) => hub.publish("news", { n })));
    const frame = await socket.frame();
    expect(frame.rsv).toBe(COMPRESSED);
    expect(
      inflate(frame)
        .split("\n")
        .map((line) => JSON.parse(line).data.n),
    ).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it("the window that the client asked for is kept to", async () => {
    const { socket, hub } = await agreed("", "permessage-deflate; server_max_window_bits=9");
    const text = Array.from({ length: 3000 }, (_, n) => (n * n).toString(36)).join("");
    await hub.publish("news", text + text);
    expect(inflate(await socket.frame(), 9)).toBe(text + text);
  });

  it("control frames are never compressed: heartbeats, and the end", async () => {
    const served = await serve({ handler: { compression: true }, hub: { heartbeatMs: 100 } });
    const connection = await rawConnection(served.port);
    const headers = { ...handshakeHeaders(), "Sec-WebSocket-Extensions": "permessage-deflate" };
    connection.request("GET", "/channels/news", headers);
    const socket = new RawWebSocket(connection, await connection.head());
    expect(await socket.frame()).toMatchObject({ rsv: 0, opcode: OPCODES.ping });
    const closed = served.hub.close();
    let frame = await socket.frame();
    while (frame.opcode === OPCODES.ping) frame = await socket.frame();
    expect(frame).toMatchObject({ rsv: 0, opcode: OPCODES.close });
    expect(frame.payload.readUInt16BE()).toBe(1001);
    await closed;
  });

  it("reads what the client compresses, and what it does not, whole and in fragments", async () => {
    const { connection, hub } = await agreed("", "permessage-deflate; client_max_window_bits");
    const events = hub.subscribe("news");
    const next = async () => (await events.next()).value?.data;
    const first = next();
    const bytes = deflate(LONG);
    connection.send(clientFrame({ opcode: OPCODES.text, rsv: COMPRESSED, payload: bytes }));
    connection.send(clientFrame({ opcode: OPCODES.text, payload: Buffer.from("plain") }));
    connection.send(clientFrame({ opcode: OPCODES.text, rsv: COMPRESSED, fin: false, payload: bytes.subarray(0, 7) }));
    connection.send(clientFrame({ opcode: OPCODES.continuation, payload: bytes.subarray(7) }));
    expect([await first, await next(), await next()]).toEqual([LONG, "plain", LONG]);
    await events.return?.();
  });

  it("a message that inflates to more than is taken is refused, with 1009", async () => {
    const { connection, socket } = await agreed();
    const bomb = deflateRawSync(Buffer.alloc(100 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH });
    connection.send(clientFrame({ opcode: OPCODES.text, rsv: COMPRESSED, payload: bomb.subarray(0, -4) }));
    expect(await socket.closeCode()).toBe(1009);
  });

  it("what does not inflate is refused, with 1007", async () => {
    const { connection, socket } = await agreed();
    connection.send(clientFrame({ opcode: OPCODES.text, rsv: COMPRESSED, payload: Buffer.from("nonsense") }));
    expect(await socket.closeCode()).toBe(1007);
  });

  it("a client that is gone is forgotten", async () => {
    const { connection, store } = await agreed();
    await store.whenFollowed(1);
    connection.reset();
    await once(connection.socket, "close");
    await store.whenFollowed(0);
  });
});
