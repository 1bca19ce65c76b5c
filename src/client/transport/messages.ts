/** What came, as messages: what is none breaks the protocol, and what a later version may have is passed over. */

import { TailwireError } from "../../core/errors.ts";
import {
  type AckMessage,
  checkMessage,
  type ErrorMessage,
  isKnownType,
  type Message,
  parseJson,
} from "../../wire/message.ts";
import type { LinkListener } from "../link.ts";

/**
 * Reads a message, such as one of the events of a poll's body.
 * @returns undefined where it is a system message that this version does not know
 * @throws {TailwireError} `protocol_error`
 */
export function readMessage(value: unknown): Message | AckMessage | ErrorMessage | undefined {
  if (checkMessage(value)) return value;
  const type = (value as { type?: unknown } | null | undefined)?.type;
  if (typeof type === "string" && !isKnownType(type)) return undefined;
  throw new TailwireError("protocol_error", "this is not a message");
}

/**
 * Reads the texts of an endless answer, the first of which has to be `$open`.
 * @returns what throws `protocol_error` for a text that is no message
 */
export function oneByOne(listener: Pick<LinkListener, "message">): (json: string) => void {
  let begun = false;
  return (json) => {
    const message = readMessage(parseJson(json));
    if (message === undefined) return;
    if (!begun && message.type !== "$open") throw new TailwireError("protocol_error", "the first message is not $open");
    begun = true;
    listener.message(message as Message);
  };
}
