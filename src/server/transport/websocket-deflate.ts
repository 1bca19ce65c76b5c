/**
 * permessage-deflate (RFC 7692): what is agreed on with a client, and the frames of a connection that has it. Pure.
 *
 * Nothing is kept from one message to the next, in either direction, so that a message is compressed once for all who
 * are sent it.
 */

import { TailwireError } from "../../core/errors.ts";
import { Deflater, MAX_WINDOW_BITS } from "./deflater.ts";
import { type MakeFrame, RSV1, websocketFrame } from "./websocket-frame.ts";

/** What was agreed on. */
export interface Deflate {
  /** As the server's `Sec-WebSocket-Extensions`. */
  readonly extension: string;
  /** The window that the client has for what it is sent: 2^9 to 2^15 bytes. */
  readonly windowBits: number;
}

/** zlib has no smaller one for raw deflate. */
const MIN_WINDOW_BITS = 9;
/** 1 KiB to remember of what a client sends, where it lets us choose, in place of 32. */
const CLIENT_WINDOW_BITS = 10;
/** Four bytes that end a sync flush, which each end knows of (RFC 7692, 7.2.1). */
const TAIL_BYTES = 4;

type Parameters = ReadonlyMap<string, string | true>;

/**
 * Takes the first offer that can be met (RFC 7692, 5.1 and 7.1).
 * @param offered `Sec-WebSocket-Extensions` of the client
 * @returns undefined where there is none: then the connection has no extension
 * @throws {TailwireError} `invalid_handshake` where the header breaks RFC 6455, 9.1
 */
export function acceptDeflate(offered: string): Deflate | undefined {
  const offers = offered.split(",").filter((text) => text.trim() !== "");
  for (const { name, parameters } of offers.map(parseOffer)) {
    const deflate = name === "permessage-deflate" && parameters !== undefined ? accept(parameters) : undefined;
    if (deflate !== undefined) return deflate;
  }
  return undefined;
}

function accept(parameters: Parameters): Deflate | undefined {
  if (![...parameters].every(([name, value]) => VALID.get(name)?.(value))) return undefined;
  const server = parameters.get("server_max_window_bits");
  const windowBits = server === undefined ? MAX_WINDOW_BITS : Number(server);
  if (windowBits < MIN_WINDOW_BITS) return undefined;
  const answer = ["permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"];
  if (server !== undefined) answer.push(`server_max_window_bits=${windowBits}`);
  const client = parameters.get("client_max_window_bits");
  if (client !== undefined && client !== TOO_SMALL) answer.push(`client_max_window_bits=${clientWindow(client)}`);
  return { extension: answer.join("; "), windowBits };
}

/** A client with zlib deflates with 9 where it says 8: 15 are then read without a word. */
const TOO_SMALL = "8";

function clientWindow(offered: string | true): number {
  return offered === true ? CLIENT_WINDOW_BITS : Math.min(Number(offered), CLIENT_WINDOW_BITS);
}

/** The parameters of an offer (RFC 7692, 7.1), and whether each may have a value. All others make an offer void. */
const VALID: ReadonlyMap<string, (value: string | true) => boolean> = new Map([
  ["server_no_context_takeover", (value) => value === true],
  ["client_no_context_takeover", (value) => value === true],
  ["server_max_window_bits", isWindow],
  ["client_max_window_bits", (value) => value === true || isWindow(value)],
]);

/** 8 to 15, without leading zeros. */
function isWindow(value: string | true): boolean {
  return value !== true && /^([89]|1[0-5])$/.test(value);
}

interface Offer {
  readonly name: string;
  /** Undefined where one stands twice, which makes an offer void. */
  readonly parameters: Parameters | undefined;
}

/** RFC 6455, 9.1. A value in quotes is a token as well, so that neither comma nor semicolon can stand in it. */
function parseOffer(text: string): Offer {
  const [name = "", ...rest] = text.split(";").map((part) => part.trim());
  if (!TOKEN.test(name)) throw malformed();
  const parameters = new Map<string, string | true>();
  for (const part of rest) {
    const [, parameter, value, quoted] = PARAMETER.exec(part) ?? [];
    if (parameter === undefined) throw malformed();
    if (parameters.has(parameter)) return { name, parameters: undefined };
    parameters.set(parameter, value ?? quoted ?? true);
  }
  return { name, parameters };
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const PARAMETER = /^([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:([\w!#$%&'*+.^`|~-]+)|"([\w!#$%&'*+.^`|~-]+)"))?$/;

function malformed(): TailwireError {
  return new TailwireError("invalid_handshake", "Sec-WebSocket-Extensions is not a list of extensions");
}

/** Makes the frames of one flush: each message that is worth it compressed on its own. */
export function deflatedFrames(windowBits: number): MakeFrame {
  const deflater = new Deflater(windowBits);
  return (opcode, payload) => {
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    const deflated = deflater.deflate(bytes);
    if (deflated === undefined) return websocketFrame(opcode, bytes);
    return websocketFrame(opcode, deflated.subarray(0, -TAIL_BYTES), RSV1);
  };
}
