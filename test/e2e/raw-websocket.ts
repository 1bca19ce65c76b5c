/** A WebSocket client that writes and reads frames byte by byte, and so can break every rule. */

import { randomBytes } from "node:crypto";
import { type RawConnection, type RawHead, rawConnection } from "./raw-connection.ts";

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface RawFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** A handshake's headers, as they should be. */
export function handshakeHeaders(): Record<string, string> {
  return {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
  };
}

export class RawWebSocket {
  readonly connection: RawConnection;
  readonly head: RawHead;

  constructor(connection: RawConnection, head: RawHead) {
    this.connection = connection;
    this.head = head;
  }

  send(payload: string | Uint8Array, opcode: keyof typeof OPCODES = "text"): this {
    this.connection.send(clientFrame({ opcode: OPCODES[opcode], payload: Buffer.from(payload) }));
    return this;
  }

  async frame(): Promise<RawFrame> {
    const [first = 0, second = 0] = await this.connection.take(2);
    const payload = await this.connection.take(await this.#length(second & 0x7f));
    return {
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode: first & 15,
      masked: (second & 0x80) !== 0,
      payload,
    };
  }

  /** The next frame with another opcode than ping. */
  async dataFrame(): Promise<RawFrame> {
    const frame = await this.frame();
    return frame.opcode === OPCODES.ping ? this.dataFrame() : frame;
  }

  /** The next frame's payload as JSON. */
  async message(): Promise<Record<string, unknown>> {
    const { payload } = await this.dataFrame();
    return JSON.parse(payload.toString()) as Record<string, unknown>;
  }

  /** The code of the close frame that must come before the connection ends; what comes before it is passed over. */
  async closeCode(): Promise<number> {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === OPCODES.close) return payload.length < 2 ? 1005 : payload.readUInt16BE();
    }
  }

  async #length(short: number): Promise<number> {
    if (short === 126) return (await this.connection.take(2)).readUInt16BE();
    if (short === 127) return Number((await this.connection.take(8)).readBigUInt64BE());
    return short;
  }
}

/** Connects and shakes hands. */
export async function rawWebSocket(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawWebSocket> {
  const connection = await rawConnection(port);
  connection.request("GET", path, { ...handshakeHeaders(), ...headers });
  return new RawWebSocket(connection, await connection.head());
}

/** One frame of a client: masked, whole and without reserved bits, where it is not told otherwise. */
export function clientFrame(frame: {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
}): Buffer {
  const { opcode, payload = Buffer.alloc(0), fin = true, rsv = 0, masked = true } = frame;
  const mask = randomBytes(4);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const head = Buffer.from([first, ...lengthBytes(payload.length, masked ? 0x80 : 0)]);
  if (!masked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
}

function lengthBytes(length: number, maskBit: number): readonly number[] {
  if (length < 126) return [maskBit | length];
  if (length < 65_536) return [maskBit | 126, length >> 8, length & 255];
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return [maskBit | 127, ...bytes];
}
